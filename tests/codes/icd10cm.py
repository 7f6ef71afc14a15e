"""Writes icd10cm.txt beside this file: every code of ICD-10-CM that can be billed, in the chapters our value sets take from,
and what its own description says about intent. Run by people once a year when the codes change; its output is reviewed as
data and committed, and the tests of the value sets count in it without a network.

    python3 -m venv venv && venv/bin/pip install simple-icd-10-cm==1.5.0 && venv/bin/python tests/codes/icd10cm.py
"""

import re
from pathlib import Path

import simple_icd_10_cm as icd

# First and last category of what is written down.
RANGES = [
    ("A50", "A64"), ("B20", "B20"), ("B97", "B97"), ("E08", "E13"), ("E88", "E88"), ("F01", "F99"), ("G30", "G31"), ("G45", "G45"), ("I05", "I13"),
    ("I20", "I25"), ("I48", "I50"), ("I60", "I69"), ("J40", "J47"), ("K70", "K70"), ("N18", "N18"), ("N96", "N97"), ("O00", "O9A"),
    ("P04", "P04"), ("R45", "R45"), ("R75", "R75"), ("R78", "R78"), ("T14", "T14"), ("T36", "T65"), ("T71", "T76"), ("X71", "Y09"),
    ("Y90", "Y90"), ("Z04", "Z04"), ("Z11", "Z11"), ("Z20", "Z21"), ("Z29", "Z3A"), ("Z62", "Z64"), ("Z69", "Z79"), ("Z83", "Z98"),
]
# What a description says, in the order in which it is looked for.
INTENTS = [
    ("accident", r"accidental|unintentional"), ("self-harm", r"intentional self-harm|suicide"), ("assault", r"\bassault"),
    ("undetermined", r"undetermined"), ("adverse-effect", r"adverse effect"), ("underdosing", r"underdosing"),
]


def intent(code: str) -> str:
    if not ("T36" <= code[:3] <= "T65" or code[:3] == "T71"):
        return ""
    description = icd.get_description(code).lower()
    return next((word for word, pattern in INTENTS if re.search(pattern, description)), "none")


def main() -> None:
    leaves = [code for code in icd.get_all_codes(with_dots=False) if icd.is_leaf(code)]
    chosen = [code for code in leaves if any(first <= code[:3] <= last for first, last in RANGES)]
    lines = [f"{code} {intent(code)}".rstrip() for code in sorted(chosen)]
    target = Path(__file__).with_name("icd10cm.txt")
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} of {len(leaves)} codes written to {target}")


if __name__ == "__main__":
    main()
