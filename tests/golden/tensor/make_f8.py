# SPDX-License-Identifier: Apache-2.0
"""Golden values of all 256 codes of the 8-bit floats, by torch. Usage: make_f8.py > f8.json (torch 2.13)."""
import json
import sys

import torch

codes = torch.arange(256, dtype=torch.uint8)
json.dump({name: codes.view(dtype).float().numpy().tobytes().hex()
           for name, dtype in [("F8_E4M3", torch.float8_e4m3fn), ("F8_E5M2", torch.float8_e5m2)]}, sys.stdout, indent=1)
print()
