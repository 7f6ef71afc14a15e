//! The group shapes of the message structures whose grouping carries meaning (HL7 v2.5.1 to v2.8, chapters 3, 4, 7, 9 to 11).
//! A structure that is not here is one flat group.

/// What a group may hold. The message structure itself is the outermost group.
#[derive(Debug, Clone, Copy)]
pub struct GroupShape {
    pub name: &'static str,
    /// Whether it may occur more than once in its parent.
    pub repeats: bool,
    /// The segments that begin it, in their order; each at most once in a group.
    pub leads: &'static [&'static str],
    /// Its other segments.
    pub members: &'static [&'static str],
    pub groups: &'static [GroupShape],
}

/// The shape of a message structure such as `ORU_R01`; nothing where the structure has no groups.
pub fn shape_of(structure: &str) -> Option<&'static GroupShape> {
    SHAPES.iter().find(|shape| shape.name == structure)
}

const fn group(
    name: &'static str,
    leads: &'static [&'static str],
    members: &'static [&'static str],
    groups: &'static [GroupShape],
) -> GroupShape {
    GroupShape { name, repeats: true, leads, members, groups }
}

/// A group that occurs once in its parent.
const fn single(
    name: &'static str,
    leads: &'static [&'static str],
    members: &'static [&'static str],
    groups: &'static [GroupShape],
) -> GroupShape {
    GroupShape { name, repeats: false, leads, members, groups }
}

const PROCEDURE: GroupShape = group("PROCEDURE", &["PR1"], &["ROL", "PRT"], &[]);
const INSURANCE: GroupShape = group("INSURANCE", &["IN1"], &["IN2", "IN3", "ROL", "PRT", "AUT", "RF1"], &[]);

/// What every patient administration message may hold beside its groups.
const ADMISSION: &[&str] = &[
    "MSH", "ARV", "SFT", "UAC", "EVN", "PID", "PD1", "ROL", "PRT", "NK1", "OH1", "OH2", "OH3", "OH4", "PV1", "PV2",
    "DB1", "OBX", "AL1", "IAM", "DG1", "DRG", "GT1", "ACC", "UB1", "UB2", "PDA", "PEO", "PCR", "NTE",
];
const ADMISSION_GROUPS: &[GroupShape] = &[PROCEDURE, INSURANCE];

const fn admission(name: &'static str) -> GroupShape {
    single(name, &[], ADMISSION, ADMISSION_GROUPS)
}

/// A merge: each patient with who it swallows.
const MERGE: &[GroupShape] = &[group("PATIENT", &["PID"], &["PD1", "MRG", "PV1", "ARV"], &[])];
const ENVELOPE: &[&str] = &["MSH", "ARV", "SFT", "UAC", "EVN"];

const VISIT: GroupShape = single("VISIT", &["PV1"], &["PV2", "PRT"], &[]);
const TIMING: GroupShape = group("TIMING", &["TQ1"], &["TQ2"], &[]);
const SPECIMEN: GroupShape = group("SPECIMEN", &["SPM"], &["OBX", "SAC", "NTE", "PRT"], &[]);
const OBSERVATION: GroupShape = group("OBSERVATION", &["OBX"], &["PRT", "NTE", "TCD", "SID"], &[]);

const RESULT_PATIENT: GroupShape = single(
    "PATIENT",
    &["PID"],
    &["PD1", "PRT", "NTE", "NK1", "ARV"],
    &[group("PATIENT_OBSERVATION", &["OBX"], &["PRT"], &[]), VISIT],
);
const ORDER_OBSERVATION: GroupShape = group(
    "ORDER_OBSERVATION",
    &["ORC", "OBR"],
    &["NTE", "ROL", "PRT", "CTD", "FT1", "CTI", "DSC"],
    &[group("TIMING_QTY", &["TQ1"], &["TQ2"], &[]), OBSERVATION, SPECIMEN],
);
const PATIENT_RESULT: GroupShape = group("PATIENT_RESULT", &[], &[], &[RESULT_PATIENT, ORDER_OBSERVATION]);

const ORDER_PATIENT: GroupShape = single(
    "PATIENT",
    &["PID"],
    &["PD1", "PRT", "NTE", "NK1", "ARV", "GT1", "AL1"],
    &[single("PATIENT_VISIT", &["PV1"], &["PV2", "PRT"], &[]), INSURANCE],
);
const ORDER_DETAIL: GroupShape = single(
    "ORDER_DETAIL",
    &["OBR", "RQD", "RQ1", "RXO", "ODS", "ODT"],
    &["NTE", "PRT", "CTD", "DG1"],
    &[group("OBSERVATION", &["OBX"], &["NTE", "PRT"], &[])],
);

const GENERAL_ORDER: GroupShape = group(
    "ORDER",
    &["ORC", "OBR"],
    &["NTE", "PRT", "CTD", "DG1", "CON", "REL", "FT1", "CTI", "BLG"],
    &[TIMING, group("OBSERVATION", &["OBX"], &["TCD", "NTE", "PRT"], &[]), SPECIMEN],
);

const REFERRAL: &[GroupShape] = &[
    group("PROVIDER_CONTACT", &["PRD"], &["CTD"], &[]),
    group("INSURANCE", &["IN1"], &["IN2", "IN3"], &[]),
    single("AUTHORIZATION_CONTACT", &["AUT"], &["CTD"], &[]),
    group("PROCEDURE", &["PR1"], &[], &[single("AUTHORIZATION_CONTACT", &["AUT"], &["CTD"], &[])]),
    group("OBSERVATION", &["OBR"], &["NTE"], &[group("RESULTS", &["OBX"], &["NTE"], &[])]),
    single("PATIENT_VISIT", &["PV1"], &["PV2"], &[]),
];
const REFERRAL_MEMBERS: &[&str] =
    &["MSH", "SFT", "UAC", "RF1", "MSA", "ERR", "PID", "NK1", "GT1", "ACC", "DG1", "DRG", "AL1", "NTE", "ARV"];

const APPOINTMENT: &[GroupShape] = &[
    group("PATIENT", &["PID"], &["PD1", "PV1", "PV2", "OBX", "DG1", "ARV"], &[]),
    group(
        "RESOURCES",
        &["RGS"],
        &[],
        &[
            group("SERVICE", &["AIS"], &["NTE"], &[]),
            group("GENERAL_RESOURCE", &["AIG"], &["NTE"], &[]),
            group("LOCATION_RESOURCE", &["AIL"], &["NTE"], &[]),
            group("PERSONNEL_RESOURCE", &["AIP"], &["NTE"], &[]),
        ],
    ),
];

const COMMON_ORDER: GroupShape = group("COMMON_ORDER", &["ORC", "OBR"], &["NTE"], &[TIMING]);
const DOCUMENT_MEMBERS: &[&str] = &["MSH", "SFT", "UAC", "EVN", "PID", "PV1", "TXA", "CON", "PRT", "ARV"];

const SHAPES: &[GroupShape] = &[
    admission("ADT_A01"),
    admission("ADT_A02"),
    admission("ADT_A03"),
    admission("ADT_A05"),
    single("ADT_A06", &[], ADMISSION, &[PROCEDURE, INSURANCE, group("MERGE_INFORMATION", &["MRG"], &[], &[])]),
    single("ADT_A39", &[], ENVELOPE, MERGE),
    single("ADT_A43", &[], ENVELOPE, MERGE),
    single("ADT_A44", &[], ENVELOPE, MERGE),
    single(
        "ADT_A45",
        &[],
        &["MSH", "ARV", "SFT", "UAC", "EVN", "PID", "PD1"],
        &[group("MERGE_INFO", &["MRG"], &["PV1"], &[])],
    ),
    single("ADT_A60", &[], ADMISSION, &[]),
    single("ORU_R01", &[], &["MSH", "ARV", "SFT", "UAC", "DSC"], &[PATIENT_RESULT]),
    single(
        "ORM_O01",
        &[],
        &["MSH", "SFT", "UAC", "NTE", "DSC"],
        &[ORDER_PATIENT, group("ORDER", &["ORC"], &["FT1", "CTI", "BLG"], &[ORDER_DETAIL])],
    ),
    single("OMG_O19", &[], &["MSH", "SFT", "UAC", "NTE"], &[ORDER_PATIENT, GENERAL_ORDER]),
    single("REF_I12", &[], REFERRAL_MEMBERS, REFERRAL),
    single("RRI_I12", &[], REFERRAL_MEMBERS, REFERRAL),
    single("SIU_S12", &[], &["MSH", "SCH", "TQ1", "NTE"], APPOINTMENT),
    single("MDM_T01", &[], DOCUMENT_MEMBERS, &[COMMON_ORDER]),
    single("MDM_T02", &[], DOCUMENT_MEMBERS, &[COMMON_ORDER, OBSERVATION]),
];
