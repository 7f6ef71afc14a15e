//! HL7 table 0354: which message structure a message code and trigger event have (v2.5.1 to v2.8).

/// Code, structure, the events that share it.
type Row = (&'static str, &'static str, &'static [&'static str]);

const ROWS: &[Row] = &[
    ("ADT", "ADT_A01", &["A01", "A04", "A08", "A13"]),
    ("ADT", "ADT_A02", &["A02"]),
    ("ADT", "ADT_A03", &["A03"]),
    ("ADT", "ADT_A05", &["A05", "A14", "A28", "A31"]),
    ("ADT", "ADT_A06", &["A06", "A07"]),
    ("ADT", "ADT_A09", &["A09", "A10", "A11"]),
    ("ADT", "ADT_A12", &["A12"]),
    ("ADT", "ADT_A15", &["A15"]),
    ("ADT", "ADT_A16", &["A16"]),
    ("ADT", "ADT_A17", &["A17"]),
    ("ADT", "ADT_A18", &["A18"]),
    ("ADT", "ADT_A20", &["A20"]),
    ("ADT", "ADT_A21", &["A21", "A22", "A23", "A25", "A26", "A27", "A29", "A32", "A33"]),
    ("ADT", "ADT_A24", &["A24"]),
    ("ADT", "ADT_A30", &["A30", "A34", "A35", "A36", "A46", "A47", "A48", "A49"]),
    ("ADT", "ADT_A37", &["A37"]),
    ("ADT", "ADT_A38", &["A38"]),
    ("ADT", "ADT_A39", &["A39", "A40", "A41", "A42"]),
    ("ADT", "ADT_A43", &["A43", "A44"]),
    ("ADT", "ADT_A45", &["A45"]),
    ("ADT", "ADT_A50", &["A50", "A51"]),
    ("ADT", "ADT_A52", &["A52", "A53"]),
    ("ADT", "ADT_A54", &["A54", "A55"]),
    ("ADT", "ADT_A60", &["A60"]),
    ("ADT", "ADT_A61", &["A61", "A62"]),
    ("ORU", "ORU_R01", &["R01"]),
    ("ORU", "ORU_R30", &["R30", "R31", "R32"]),
    ("ORU", "ORU_R40", &["R40"]),
    ("OUL", "OUL_R21", &["R21"]),
    ("OUL", "OUL_R22", &["R22"]),
    ("OUL", "OUL_R23", &["R23"]),
    ("OUL", "OUL_R24", &["R24"]),
    ("ORM", "ORM_O01", &["O01"]),
    ("ORR", "ORR_O02", &["O02"]),
    ("OMG", "OMG_O19", &["O19"]),
    ("ORG", "ORG_O20", &["O20"]),
    ("OML", "OML_O21", &["O21"]),
    ("OML", "OML_O33", &["O33"]),
    ("OML", "OML_O35", &["O35"]),
    ("OML", "OML_O39", &["O39"]),
    ("ORL", "ORL_O22", &["O22"]),
    ("ORL", "ORL_O34", &["O34"]),
    ("ORL", "ORL_O36", &["O36"]),
    ("OMI", "OMI_O23", &["O23"]),
    ("OMP", "OMP_O09", &["O09"]),
    ("ORP", "ORP_O10", &["O10"]),
    ("RDE", "RDE_O11", &["O11", "O25"]),
    ("RRE", "RRE_O12", &["O12", "O26"]),
    ("RDS", "RDS_O13", &["O13"]),
    ("RRD", "RRD_O14", &["O14"]),
    ("RGV", "RGV_O15", &["O15"]),
    ("RAS", "RAS_O17", &["O17"]),
    (
        "SIU",
        "SIU_S12",
        &["S12", "S13", "S14", "S15", "S16", "S17", "S18", "S19", "S20", "S21", "S22", "S23", "S24", "S26", "S27"],
    ),
    ("SRM", "SRM_S01", &["S01", "S02", "S03", "S04", "S05", "S06", "S07", "S08", "S09", "S10", "S11"]),
    ("SRR", "SRR_S01", &["S01", "S02", "S03", "S04", "S05", "S06", "S07", "S08", "S09", "S10", "S11"]),
    ("MDM", "MDM_T01", &["T01", "T03", "T05", "T07", "T09", "T11"]),
    ("MDM", "MDM_T02", &["T02", "T04", "T06", "T08", "T10"]),
    ("REF", "REF_I12", &["I12", "I13", "I14", "I15"]),
    ("RRI", "RRI_I12", &["I12", "I13", "I14", "I15"]),
    ("RQI", "RQI_I01", &["I01", "I02", "I03", "I07"]),
    ("RPI", "RPI_I01", &["I01", "I04"]),
    ("RQA", "RQA_I08", &["I08", "I09", "I10", "I11"]),
    ("RPA", "RPA_I08", &["I08", "I09", "I10", "I11"]),
    ("CCR", "CCR_I16", &["I16", "I17", "I18"]),
    ("CCU", "CCU_I20", &["I20"]),
    ("CCM", "CCM_I21", &["I21"]),
    ("VXU", "VXU_V04", &["V04"]),
    ("BAR", "BAR_P01", &["P01"]),
    ("BAR", "BAR_P02", &["P02"]),
    ("BAR", "BAR_P05", &["P05"]),
    ("BAR", "BAR_P06", &["P06"]),
    ("BAR", "BAR_P10", &["P10"]),
    ("BAR", "BAR_P12", &["P12"]),
    ("DFT", "DFT_P03", &["P03"]),
    ("DFT", "DFT_P11", &["P11"]),
    ("PPR", "PPR_PC1", &["PC1", "PC2", "PC3"]),
    ("PGL", "PGL_PC6", &["PC6", "PC7", "PC8"]),
    ("PPP", "PPP_PCB", &["PCB", "PCC", "PCD"]),
    ("PPG", "PPG_PCG", &["PCG", "PCH", "PCJ"]),
    ("QRY", "QRY_A19", &["A19"]),
    ("ADR", "ADR_A19", &["A19"]),
    ("QBP", "QBP_Q11", &["Q11"]),
    ("QBP", "QBP_Q21", &["Q21", "Q22", "Q23", "Q24", "Q25"]),
    ("RSP", "RSP_K21", &["K21"]),
    ("RSP", "RSP_K22", &["K22"]),
    ("RSP", "RSP_K23", &["K23"]),
    ("CRM", "CRM_C01", &["C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08"]),
    ("CSU", "CSU_C09", &["C09", "C10", "C11", "C12"]),
];

/// The structure the standard names for a message code and trigger event: `ADT` and `A04` give `ADT_A01`.
pub fn structure_of(code: &str, event: &str) -> Option<&'static str> {
    if code == "ACK" {
        return Some("ACK");
    }
    let row = ROWS.iter().find(|(of, _, events)| *of == code && events.contains(&event));
    row.map(|(_, structure, _)| *structure)
}

/// What a message type without a trigger event means: before v2.3 these had one event each, and one is what is sent today.
const ALONE: &[(&str, &str)] = &[
    ("ORU", "R01"),
    ("ORM", "O01"),
    ("ORR", "O02"),
    ("VXU", "V04"),
    ("DFT", "P03"),
    ("RDE", "O11"),
    ("RDS", "O13"),
    ("RGV", "O15"),
    ("RAS", "O17"),
    ("QRY", "A19"),
    ("ADR", "A19"),
];

/// The one event that a structure has, else the one that the message type means alone; nothing where there are several.
pub(super) fn only_event(code: &str, structure: &str) -> Option<&'static str> {
    let row = ROWS.iter().find(|(of, known, _)| *of == code && *known == structure);
    match row {
        Some((_, _, [event])) => Some(event),
        Some(_) => None,
        None => ALONE.iter().find(|(of, _)| *of == code).map(|(_, event)| *event),
    }
}

/// Whether a stated structure is one the standard names for the event, in any of its versions.
pub(super) fn is_structure_of(code: &str, event: &str, stated: &str) -> bool {
    // From v2.7 on A44 has a structure of its own.
    structure_of(code, event) == Some(stated) || (code, event, stated) == ("ADT", "A44", "ADT_A44")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_share_a_structure_name_it() {
        assert_eq!(structure_of("ADT", "A04"), Some("ADT_A01"));
        assert_eq!(structure_of("ADT", "A31"), Some("ADT_A05"));
        assert_eq!(structure_of("SIU", "S15"), Some("SIU_S12"));
        assert_eq!(structure_of("ADT", "Z99"), None);
    }

    #[test]
    fn a_type_or_structure_of_one_event_needs_not_name_it() {
        assert_eq!(only_event("ORU", ""), Some("R01"));
        assert_eq!(only_event("ADT", "ADT_A03"), Some("A03"));
        assert_eq!(only_event("ADT", "ADT_A01"), None);
        assert_eq!(only_event("ADT", ""), None);
        assert!(ALONE.iter().all(|(code, event)| structure_of(code, event).is_some()));
    }

    #[test]
    fn no_event_has_two_structures() {
        for (code, structure, events) in ROWS {
            for event in *events {
                assert_eq!(structure_of(code, event), Some(*structure));
            }
        }
    }
}
