// SPDX-License-Identifier: Apache-2.0
#include "base/hash.hpp"

#include "base/error.hpp"
#include "nib_test.hpp"

#include <QCryptographicHash>
#include <QTemporaryDir>
#include <QtTest>

#include <fstream>

using namespace nibblesmith::base;

class HashTest : public QObject {
  Q_OBJECT

private slots:
  // Examples of FIPS 180-4.
  void knownDigests() {
    QCOMPARE(sha256(""), std::string("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    QCOMPARE(sha256("abc"), std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    QCOMPARE(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
             std::string("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
    QVERIFY(sha256("abd") != sha256("abc"));
  }

  void piecesGiveTheSameDigest() {
    const std::string text(100'000, 'x');
    Sha256 hash;
    for (size_t at = 0; at < text.size(); at += 977)
      hash.update(std::string_view(text).substr(at, 977));
    const std::string digest = hash.hexDigest();
    QCOMPARE(digest, sha256(text));
    QCOMPARE(digest, QCryptographicHash::hash(QByteArray::fromStdString(text), QCryptographicHash::Sha256)
                         .toHex()
                         .toStdString());
    // hexDigest() has reset it.
    QCOMPARE(hash.update("abc").hexDigest(), sha256("abc"));
  }

  void directories() {
    QTemporaryDir root;
    const std::filesystem::path path = root.path().toStdString();
    std::filesystem::create_directories(path / "sub");
    std::ofstream(path / "b.txt") << "two";
    std::ofstream(path / "a.txt") << "one";
    std::ofstream(path / "sub/c.txt") << "three";
    const std::string expected =
        sha256(sha256("one") + "  a.txt\n" + sha256("two") + "  b.txt\n" + sha256("three") + "  sub/c.txt\n");
    QCOMPARE(sha256OfPath(path), expected);
    QCOMPARE(sha256OfPath(path / "a.txt"), sha256("one"));
    std::filesystem::rename(path / "a.txt", path / "z.txt");
    QVERIFY(sha256OfPath(path) != expected);
    QVERIFY_EXCEPTION_THROWN(sha256OfPath(path / "gone"), Error);
  }
};

NIB_TEST(HashTest)
#include "hash_test.moc"
