#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What came of tests: a line for each in meson's log, "RESULT LABEL NAME", and one for each case that a program of
cmocka's has skipped, which it calls a success: "SKIP LABEL NAME:CASE".
usage: results.py testlog.json LABEL"""
import json
import re
import sys

SKIPPED = re.compile(r"^\[  SKIPPED \] (\w+)$", re.MULTILINE)


def main(path, label):
    with open(path, encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            name = test["name"].replace(" ", "_")
            print(test["result"], label, name)
            for case in SKIPPED.findall(test.get("stdout", "")):
                print("SKIP", label, f"{name}:{case}")


main(*sys.argv[1:])
