// SPDX-License-Identifier: Apache-2.0
#include "tensor/gemm.hpp"
#include "tensor/gemm_widened.hpp"

#include <array>
#include <map>
#include <unordered_map>

#include <omp.h>
#include <oneapi/dnnl/dnnl.hpp>

namespace nibblesmith::tensor {

namespace {

using Type = dnnl::memory::data_type;

/// Shape of one product C[m,n] (+)= A B, with A [m,k] and B [k,n] read through their strides.
struct Shape {
  Type type; ///< of A and B
  int64_t m, n, k;
  std::array<int64_t, 2> stridesA, stridesB;
  int64_t ldc;
  bool adds;
  auto operator<=>(const Shape&) const = default;
};

/// Compiled primitive for one shape. It is cached: for small shapes, building it costs as much as the
/// product.
struct Product {
  dnnl::matmul primitive;
  dnnl::memory a, b, c;
  std::unordered_map<int, dnnl::memory> arguments; ///< a, b and c as oneDNN expects them
};

/// Cache of one thread's oneDNN primitives by shape, because building a primitive can cost as much as a
/// product.
class Products {
public:
  // Each of our threads computes alone. OpenMP's thread count is a per-thread setting, so it is set here.
  Products() { omp_set_num_threads(1); }

  void run(const Shape& shape, const void* A, const void* B, float* C) {
    Product& product = find(shape);
    // oneDNN does not write to its sources, but its API takes no const pointers.
    product.a.set_data_handle(const_cast<void*>(A));
    product.b.set_data_handle(const_cast<void*>(B));
    product.c.set_data_handle(C);
    product.primitive.execute(m_stream, product.arguments);
    m_stream.wait();
  }

private:
  Product& find(const Shape& shape) {
    if (const auto found = m_products.find(shape); found != m_products.end())
      return found->second;
    // A quantization run needs about ten shapes; sequences of many different lengths need more.
    constexpr size_t kMaxCached = 512;
    if (m_products.size() >= kMaxCached)
      m_products.clear();
    return m_products.emplace(shape, make(shape)).first->second;
  }

  Product make(const Shape& s) const {
    using dnnl::memory;
    const memory::desc a({s.m, s.k}, s.type, memory::dims(s.stridesA.begin(), s.stridesA.end()));
    const memory::desc b({s.k, s.n}, s.type, memory::dims(s.stridesB.begin(), s.stridesB.end()));
    const memory::desc c({s.m, s.n}, memory::data_type::f32, memory::dims{s.ldc, 1});
    dnnl::primitive_attr attributes;
    if (s.adds) {
      dnnl::post_ops sum;
      sum.append_sum(1.0f);
      attributes.set_post_ops(sum);
    }
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::matmul::primitive_desc description(m_engine, a, b, c, attributes);
#else
    const dnnl::matmul::primitive_desc description({a, b, c}, attributes, m_engine);
#endif
    Product product = {dnnl::matmul(description),
                       memory(a, m_engine, nullptr),
                       memory(b, m_engine, nullptr),
                       memory(c, m_engine, nullptr),
                       {}};
    product.arguments = {{DNNL_ARG_SRC, product.a}, {DNNL_ARG_WEIGHTS, product.b}, {DNNL_ARG_DST, product.c}};
    return product;
  }

  dnnl::engine m_engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream m_stream{m_engine};
  std::map<Shape, Product> m_products;
};

void multiply(const Shape& shape, const void* A, const void* B, float* C) {
  static thread_local Products products;
  products.run(shape, A, B, C);
}

} // namespace

bool hasInt8Instructions() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx512vnni") != 0;
  return has;
#else
  return false;
#endif
}

bool hasBf16Instructions() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx512bf16") != 0;
  return has;
#else
  return false;
#endif
}

void bf16GemmNT(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                int64_t ldb, float* C, int64_t ldc) {
  if (hasBf16Instructions())
    multiply({Type::bf16, m, n, k, {lda, 1}, {1, ldb}, ldc, false}, A, B, C);
  else
    widenedGemmNT(m, n, k, A, lda, B, ldb, C, ldc);
}

void bf16AddGemmTN(int64_t m, int64_t n, int64_t k, const uint16_t* A, int64_t lda, const uint16_t* B,
                   int64_t ldb, float* C, int64_t ldc) {
  if (hasBf16Instructions())
    multiply({Type::bf16, m, n, k, {1, lda}, {ldb, 1}, ldc, true}, A, B, C);
  else
    widenedAddGemmTN(m, n, k, A, lda, B, ldb, C, ldc);
}

void int8GemmNT(int64_t m, int64_t n, int64_t k, const int8_t* A, int64_t lda, const int8_t* B, int64_t ldb,
                float* C, int64_t ldc) {
  // Without VNNI, oneDNN adds neighbouring products with saturation, which gives wrong sums.
  if (hasInt8Instructions())
    multiply({Type::s8, m, n, k, {lda, 1}, {1, ldb}, ldc, false}, A, B, C);
  else
    widenedInt8GemmNT(m, n, k, A, lda, B, ldb, C, ldc);
}

} // namespace nibblesmith::tensor
