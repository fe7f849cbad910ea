# SPDX-License-Identifier: Apache-2.0
"""Golden words of compressed-tensors' pack-quantized format, 2 to 8 bits.

Usage: make_packed.py > packed.json
Made with compressed-tensors 0.20.0, torch 2.13.0.
"""
import json
import sys

import torch
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32

ROWS, COLS, GROUPS = 5, 43, 3


def main():
    generator = torch.Generator().manual_seed(3)
    cases = []
    for bits in range(2, 9):
        offset = 1 << (bits - 1)
        codes = torch.randint(0, 1 << bits, (ROWS, COLS), generator=generator)
        zeros = torch.randint(0, 1 << bits, (ROWS, GROUPS), generator=generator)
        cases.append({
            "bits": bits,
            "codes": codes.flatten().tolist(),
            "packed": pack_to_int32((codes - offset).to(torch.int8), bits).flatten().tolist(),
            "zeroPoints": zeros.flatten().tolist(),
            "packedZeroPoints": pack_to_int32((zeros - offset).to(torch.int8), bits, packed_dim=0).flatten().tolist(),
        })
    json.dump({"rows": ROWS, "cols": COLS, "groups": GROUPS, "cases": cases}, sys.stdout)
    print()


main()
