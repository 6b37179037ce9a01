# SPDX-License-Identifier: Apache-2.0
#
# The figures of descriptions: what converting one costs, as a process and many times in one.

import json
import statistics
import subprocess

from common import row

CONVERSIONS = 10000
# A machine with a device of most sorts.
ARGUMENTS = ("-c", "2", "-m", "2048", "-b", "efi,variable-store=/nv,create", "-d", "nvme,path=/x",
             "-d", "virtio-net,nat,mac=52:54:00:12:34:56", "-d", "virtio-rng",
             "-d", "virtio-vsock,port=1024,socketURL=/s,listen", "-d", "virtio-serial,logFilePath=/l")


def figure_config(bench):
    out = subprocess.run([bench.tool("bench-spawn"), str(max(bench.runs, 200)), bench.hull, "config", "from-args",
                          "--skip-files", "--", *ARGUMENTS, ",", "/bin/true"], stdout=subprocess.PIPE, check=True).stdout
    hull, true = ([ns / 1e6 for ns in values] for values in json.loads(out))
    bench.keep("config: hull", hull)
    bench.keep("config: true", true)
    many = [json.loads(subprocess.run([bench.tool("bench-config"), str(CONVERSIONS), *ARGUMENTS],
                                      stdout=subprocess.PIPE, check=True).stdout) / 1e6 for _ in range(bench.few)]
    a, b = statistics.median(hull), statistics.median(true)
    c = statistics.median(bench.keep("config: many", many))
    return [row("hull config from-args (by hand: true)", a, b, f"{a - b:+.2f} ms", "<= 3 ms", a <= 3,
                pairs=(hull, true)),
            row(f"{CONVERSIONS} conversions there and back", c, None, "", "<= 500 ms", c <= 500)]
