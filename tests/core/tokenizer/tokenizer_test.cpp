// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/tokenizer.hpp"

#include <QtTest>

class TokenizerTest : public QObject {
  Q_OBJECT
};

QTEST_GUILESS_MAIN(TokenizerTest)
#include "tokenizer_test.moc"
