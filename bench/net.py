# SPDX-License-Identifier: Apache-2.0
#
# The figure of the network that guests have by default: one connection each way between a program in
# the guest and one on the host's loopback.

import statistics

from byhand import script_by_hand
from common import Helper, interleaved, row
from share import answer_of, make_share, script_hull, write_script

# The host's loopback, by the name that passt gives it in hull's networks and those by hand.
HOST = "10.0.2.2"
BAR = 0.95


def rate(answer):
    return answer["bytes"] / answer["ns"] * 1e3


def measure(bench, path, script):
    """Both directions in one guest: MB/s from the guest, and to it."""
    with Helper([bench.tool("bench-guest"), "serve"]) as host:
        write_script(path, f"net {HOST} {host.answer()['port']}")
        to_guest = answer_of(path, lambda: script(bench, path, with_net=True))
        return rate(host.answer()), rate(to_guest)


def figure_net(bench):
    path = make_share(bench, "share-net", "")
    hull, hand = interleaved(bench.few, lambda: measure(bench, path, script_hull),
                             lambda: measure(bench, path, script_by_hand))
    rows = []
    for i, way in enumerate(("from the guest", "to the guest")):
        pairs = [bench.keep(f"net: {way}: {who}", [both[i] for both in values])
                 for who, values in (("hull", hull), ("by hand", hand))]
        a, b = map(statistics.median, pairs)
        rows.append(row(f"network, {way}", a, b, f"{a / b:.3f}", f"ratio >= {BAR}", a / b >= BAR, "MB/s", pairs))
    return rows
