"""Writes the value sets `profiles/valuesets/measured-*.yaml`: codes of SNOMED CT, LOINC, RxNorm, CPT and HCPCS that the value
sets of the electronic quality measures (CMS and NLM, eCQM Update 2025-05-08) name, for content that is sensitive and for what
protocols ask about. ICD-10-CM is left out: our own ranges hold it. Run by people once a year when the measures change; what it writes is reviewed as data and committed.

    pip download canvas==0.261.0 --no-deps && python3 tests/codes/measures.py canvas-0.261.0-py3-none-any.whl
"""

import re
import sys
import textwrap
import zipfile
from pathlib import Path

SYSTEMS = {"SNOMEDCT": "snomed", "LOINC": "loinc", "RXNORM": "rxnorm", "CPT": "cpt", "HCPCS": "hcpcs", "HCPCSLEVELII": "hcpcs"}
ENDED = r"abortion|miscarriage|terminat\w+ of pregnancy"
VIOLENCE = r"\bassault|\brape\b|sexual abuse|physical abuse|emotional abuse|abuse of (?:adult|child|elder)|domestic (?:abuse|violence)|battered|victim of|maltreat"
# File, title, the measures' value sets by OID, and what the description of a code must say or must not say.
SETS = [
    ("substance-use", "Substance use, as quality measures code it", [
        "2.16.840.1.113883.3.464.1003.106.12.1001", "2.16.840.1.113762.1.4.1111.171", "2.16.840.1.113883.3.464.1003.105.12.1209",
        "2.16.840.1.113762.1.4.1046.269", "2.16.840.1.113883.3.464.1003.1149", "2.16.840.1.113883.3.464.1003.1150",
        "2.16.840.1.113762.1.4.1111.177", "2.16.840.1.113883.3.464.1003.1156", "2.16.840.1.113883.3.464.1003.1157",
        "2.16.840.1.113883.3.464.1003.106.12.1005", "2.16.840.1.113883.3.526.3.1583",
    ], "", r"nicotine|tobacco"),
    ("mental-health", "Mental health, as quality measures code it", [
        "2.16.840.1.113762.1.4.1046.285", "2.16.840.1.113883.3.67.1.101.1.263", "2.16.840.1.113883.3.526.3.1566",
        "2.16.840.1.113883.3.526.3.1567", "2.16.840.1.113883.3.464.1003.196.12.1523", "2.16.840.1.113883.3.526.3.1492",
        "2.16.840.1.113883.3.526.3.1496", "2.16.840.1.113883.3.526.3.1141", "2.16.840.1.113883.3.526.3.1187",
        "2.16.840.1.113883.3.526.3.1018", "2.16.840.1.113883.3.464.1003.101.12.1055",
    ], "", r"nicotine|tobacco|dementia|alzheimer|delirium"),
    ("hiv", "HIV, as quality measures code it", [
        "2.16.840.1.113883.3.464.1003.120.12.1003", "2.16.840.1.113762.1.4.1248.377", "2.16.840.1.113762.1.4.1056.50",
    ], "", ""),
    ("sexual-health", "Sexually transmitted infections and contraception, as quality measures code them", [
        "2.16.840.1.113883.3.464.1003.110.12.1052", "2.16.840.1.113762.1.4.1258.1", "2.16.840.1.113762.1.4.1248.389",
        "2.16.840.1.113883.3.464.1003.110.12.1051", "2.16.840.1.113883.3.464.1003.196.12.1080", "2.16.840.1.113883.3.464.1003.111.12.1011",
        "2.16.840.1.113883.3.464.1003.111.12.1018",
    ], "", r"\bpap\b|cytolog|papanicolaou"),
    ("ended-pregnancy", "Abortion and miscarriage, as quality measures code them", [
        "2.16.840.1.113883.3.464.1003.111.12.1012", "2.16.840.1.113883.3.117.1.7.1.263", "2.16.840.1.113883.3.464.1003.111.12.1017",
        "2.16.840.1.113883.3.464.1003.111.12.1018",
    ], ENDED, r"threatened"),
    ("pregnancy", "Pregnancy, as quality measures code it", ["2.16.840.1.113883.3.526.3.378", "2.16.840.1.113883.3.3157.4055"], "", ENDED),
    ("violence", "Abuse and assault, as quality measures code them", ["*"], VIOLENCE, r"drug abuse|alcohol abuse|accident|fear of"),
    ("diabetes", "Diabetes, as quality measures code it", ["2.16.840.1.113883.3.464.1003.103.12.1001"], "", r"gestational|pregnan|childbirth|puerper"),
    ("hypertension", "Hypertension, as quality measures code it", ["2.16.840.1.113883.3.464.1003.104.12.1011"], "", r"pregnan|childbirth|puerper"),
    ("heart-failure", "Heart failure, as quality measures code it", ["2.16.840.1.113883.3.526.3.376"], "", ""),
    ("hba1c", "Glycated haemoglobin, as quality measures code it", ["2.16.840.1.113883.3.464.1003.198.12.1013"], "", ""),
    ("retinal-examination", "Retinal or dilated eye exam, as quality measures code it", ["2.16.840.1.113883.3.464.1003.115.12.1088"], "", ""),
    ("urine-albumin", "Albumin in urine against creatinine, as quality measures code it", ["2.16.840.1.113883.3.6929.3.1007"], "", ""),
    ("referral", "Referral, as quality measures code it", ["2.16.840.1.113883.3.464.1003.101.12.1046"], "", ""),
]


def value_sets(wheel: str):
    """OID, name, version, and the codes with their descriptions by system, of every value set of the measures."""
    with zipfile.ZipFile(wheel) as archive:
        files = [name for name in archive.namelist() if "/value_set/v2026/" in name]
        texts = [archive.read(name).decode() for name in sorted(files)]
    for text in texts:
        for body in re.split(r"\nclass ", text)[1:]:
            said = {key: re.search(rf'{key} = "([^"]*)"', body) for key in ("VALUE_SET_NAME", "OID", "DEFINITION_VERSION")}
            if not (said["VALUE_SET_NAME"] and said["OID"]):
                continue
            groups = re.findall(r"\n    (\w+) = \{(.*?)\n    \}", body, re.S)
            codes = {system: re.findall(r'"([^"]+)",\s*(?:# (.*))?', group) for system, group in groups if system in SYSTEMS}
            yield said["OID"][1], said["VALUE_SET_NAME"][1], (said["DEFINITION_VERSION"] or [""] * 2)[1], codes


def written(found, oids, wanted: str, unwanted: str) -> list[str]:
    lines, known = [], set()
    for oid, name, version, codes in found:
        if oid not in oids and oids != ["*"]:
            continue
        for system, members in sorted(codes.items()):
            if oids == ["*"] and system != "SNOMEDCT":
                continue
            right = lambda text: re.search(wanted, text, re.I) and not (unwanted and re.search(unwanted, text, re.I))
            new = sorted({code for code, text in members if right(text) and (system, code) not in known})
            known.update((system, code) for code in new)
            if new:
                listed = textwrap.wrap(", ".join(f"'{code}'" for code in new), 118)
                lines += [f"  # {name}, {oid}, {version}", f"  - system: {SYSTEMS[system]}", "    codes:", "      [" + listed[0]]
                lines += ["       " + line for line in listed[1:]]
                lines[-1] += "]"
    return lines


def main() -> None:
    found = list(value_sets(sys.argv[1]))
    folder = Path(__file__).parents[2] / "profiles" / "valuesets"
    for stem, title, oids, wanted, unwanted in SETS:
        missing = set(oids) - {oid for oid, *_ in found} - {"*"}
        if missing:
            sys.exit(f"{stem}: there is no value set {', '.join(sorted(missing))}")
        head = [f"valueset: measured-{stem}", f"title: {title}", "# Written by tests/codes/measures.py; the comments name the measures' value sets.", "include:"]
        lines = head + written(found, oids, wanted, unwanted)
        (folder / f"measured-{stem}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"measured-{stem}: {sum(line.count(chr(39)) for line in lines) // 2} codes")


if __name__ == "__main__":
    main()
