//! Files of code systems in the shape in which their publishers give them out, with codes and words of our own.

use std::path::Path;

pub const LOINC_COLUMNS: &str = "\"LOINC_NUM\",\"COMPONENT\",\"PROPERTY\",\"TIME_ASPCT\",\"SYSTEM\",\"SCALE_TYP\",\"METHOD_TYP\",\"CLASS\",\"VersionLastChanged\",\"CHNG_TYPE\",\"DefinitionDescription\",\"STATUS\",\"CONSUMER_NAME\",\"CLASSTYPE\",\"FORMULA\",\"EXMPL_ANSWERS\",\"SURVEY_QUEST_TEXT\",\"SURVEY_QUEST_SRC\",\"UNITSREQUIRED\",\"RELATEDNAMES2\",\"SHORTNAME\",\"ORDER_OBS\",\"HL7_FIELD_SUBFIELD_ID\",\"EXTERNAL_COPYRIGHT_NOTICE\",\"EXAMPLE_UNITS\",\"LONG_COMMON_NAME\",\"EXAMPLE_UCUM_UNITS\",\"STATUS_REASON\",\"STATUS_TEXT\",\"CHANGE_REASON_PUBLIC\",\"COMMON_TEST_RANK\",\"COMMON_ORDER_RANK\",\"HL7_ATTACHMENT_STRUCTURE\",\"EXTERNAL_COPYRIGHT_LINK\",\"PanelType\",\"AskAtOrderEntry\",\"AssociatedObservations\",\"VersionFirstReleased\",\"ValidHL7AttachmentRequest\",\"DisplayName\"";

pub fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// `Loinc.csv` with these cells of each row.
pub fn loinc(rows: &[&[(&str, &str)]]) -> String {
    let columns: Vec<&str> = LOINC_COLUMNS.split(',').map(|name| name.trim_matches('"')).collect();
    let cell = |row: &[(&str, &str)], name: &str| {
        let value = row.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value);
        format!("\"{value}\"")
    };
    let line = |row: &&[(&str, &str)]| columns.iter().map(|name| cell(row, name)).collect::<Vec<_>>().join(",");
    format!("{LOINC_COLUMNS}\r\n{}\r\n", rows.iter().map(line).collect::<Vec<_>>().join("\r\n"))
}

pub fn small_loinc() -> String {
    loinc(&[
        &[
            ("LOINC_NUM", "8480-6"),
            ("LONG_COMMON_NAME", "Pressure, upper"),
            ("SHORTNAME", "BP up"),
            ("STATUS", "ACTIVE"),
            ("CLASSTYPE", "2"),
            ("SCALE_TYP", "Qn"),
            ("VersionLastChanged", "2.73"),
            ("DefinitionDescription", "on two\nlines"),
        ],
        &[
            ("LOINC_NUM", "18842-5"),
            ("LONG_COMMON_NAME", "Letter at discharge"),
            ("STATUS", "ACTIVE"),
            ("CLASSTYPE", "2"),
            ("SCALE_TYP", "Doc"),
            ("VersionLastChanged", "2.80"),
        ],
        &[
            ("LOINC_NUM", "718-7"),
            ("LONG_COMMON_NAME", "Former thing"),
            ("STATUS", "DEPRECATED"),
            ("CLASSTYPE", "1"),
            ("SCALE_TYP", "Doc"),
            ("VersionLastChanged", "2.40"),
        ],
    ])
}

/// An RF2 snapshot: 404684003 over 64572001 over two more, one of them under both, and an inactive one.
pub fn snomed(folder: &Path) {
    let module = "900000000000207008";
    let concepts =
        ["138875005 1", "404684003 1", "64572001 1", "900001005 1", "900002003 1", "900003008 0", "900005001 1"];
    let rows: Vec<String> = concepts
        .iter()
        .map(|row| row.split_once(' ').unwrap())
        .map(|(id, active)| format!("{id}\t20250101\t{active}\t{module}\t900000000000074008"))
        .collect();
    write(
        folder,
        "Snapshot/Terminology/sct2_Concept_Snapshot_INT_20250101.txt",
        &format!("id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\r\n{}\r\n", rows.join("\r\n")),
    );
    let terms = [
        ("1", "404684003", "en", "900000000000003001", "Finding of ours (finding)"),
        ("2", "404684003", "en", "900000000000013009", "Finding of ours"),
        ("3", "64572001", "en", "900000000000013009", "Other name of illness"),
        ("4", "64572001", "en", "900000000000013009", "Illness \"of ours\""),
        ("5", "900001005", "en", "900000000000003001", "Cough, colour (disorder)"),
        ("6", "900001005", "en", "900000000000013009", "Cough, colour"),
        ("7", "900001005", "en", "900000000000013009", "Cough, color"),
        ("8", "900001005", "es", "900000000000013009", "Tos nuestra"),
        ("9", "900003008", "en", "900000000000003001", "Retired illness (disorder)"),
    ];
    let rows: Vec<String> = terms
        .iter()
        .map(|(id, concept, language, kind, term)| {
            format!("100000{id}\t20250101\t1\t{module}\t{concept}\t{language}\t{kind}\t{term}\t900000000000448009")
        })
        .collect();
    write(
        folder,
        "Snapshot/Terminology/sct2_Description_Snapshot-en_INT_20250101.txt",
        &format!(
            "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\r\n{}\r\n",
            rows.join("\r\n")
        ),
    );
    let (us, gb, preferred, acceptable) =
        ("900000000000509007", "900000000000508004", "900000000000548007", "900000000000549004");
    let prefers = [
        ("2", us, preferred),
        ("3", us, acceptable),
        ("4", us, preferred),
        ("6", gb, preferred),
        ("6", us, acceptable),
        ("7", us, preferred),
    ];
    let rows: Vec<String> = prefers
        .iter()
        .map(|(id, set, how)| format!("u{id}\t20250101\t1\t{module}\t{set}\t100000{id}\t{how}"))
        .collect();
    write(
        folder,
        "Snapshot/Refset/Language/der2_cRefset_LanguageSnapshot-en_INT_20250101.txt",
        &format!(
            "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\tacceptabilityId\r\n{}\r\n",
            rows.join("\r\n")
        ),
    );
    let (is_a, site) = ("116680003", "363698007");
    let edges = [
        ("404684003", "138875005", is_a, 1),
        ("64572001", "404684003", is_a, 1),
        ("900001005", "64572001", is_a, 1),
        ("900002003", "64572001", is_a, 1),
        ("900002003", "900001005", is_a, 1),
        ("900001005", "138875005", site, 1),
        ("404684003", "64572001", is_a, 0),
    ];
    let rows: Vec<String> = edges.iter().enumerate().map(|(at, (from, to, kind, active))| format!("200000{at}\t20250101\t{active}\t{module}\t{from}\t{to}\t0\t{kind}\t900000000000011006\t900000000000451002")).collect();
    write(
        folder,
        "Snapshot/Terminology/sct2_Relationship_Snapshot_INT_20250101.txt",
        &format!(
            "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId\r\n{}\r\n",
            rows.join("\r\n")
        ),
    );
    // A member that left, one that is a description, and one of another package.
    let members = [("64572001", 1), ("900002003", 1), ("900001005", 0), ("1000002011", 1), ("900777000", 1)];
    let rows: Vec<String> = members
        .iter()
        .enumerate()
        .map(|(at, (member, active))| format!("m{at}\t20250101\t{active}\t{module}\t900005001\t{member}"))
        .collect();
    write(
        folder,
        "Snapshot/Refset/Content/der2_Refset_SimpleSnapshot_INT_20250101.txt",
        &format!("id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\r\n{}\r\n", rows.join("\r\n")),
    );
}

/// LOINC's table with a list of answers, which is not in the order of their codes, and one that is defined elsewhere.
pub fn loinc_with_answers(folder: &Path) {
    write(folder, "LoincTable/Loinc.csv", &small_loinc());
    write(
        folder,
        "AccessoryFiles/AnswerFile/AnswerList.csv",
        "\"AnswerListId\",\"AnswerListName\",\"ExtDefinedYN\",\"AnswerStringId\",\"SequenceNumber\",\"DisplayText\"\r\n\
         \"LL900-1\",\"How often\",\"N\",\"LA902-3\",\"1\",\"Hardly ever\"\r\n\
         \"LL900-1\",\"How often\",\"N\",\"LA901-5\",\"10\",\"Every day, nearly\"\r\n\
         \"LL900-1\",\"How often\",\"N\",\"LA903-1\",\"2\",\"Now and then\"\r\n\
         \"LL910-0\",\"Elsewhere\",\"Y\",\"\",\"\",\"\"\r\n",
    );
}

pub fn rxnorm(folder: &Path) {
    let atom = |cui: &str, vocabulary: &str, kind: &str, name: &str, suppressed: &str| {
        format!("{cui}|ENG||||||{cui}1|{cui}1|{cui}||{vocabulary}|{kind}|{cui}|{name}||{suppressed}|4096|\n")
    };
    let names = [
        atom("100", "RXNORM", "IN", "oursazole", "N"),
        atom("100", "MTHSPL", "SU", "OURSAZOLE", "N"),
        atom("200", "RXNORM", "SCD", "oursazole 5 MG Oral Tablet", "N"),
        atom("200", "RXNORM", "SY", "oursazole 5 MG tab", "N"),
        atom("300", "RXNORM", "BN", "Oursol", "O"),
    ];
    write(folder, "rrf/RXNCONSO.RRF", &names.concat());
    write(
        folder,
        "rrf/RXNREL.RRF",
        "100||CUI|RO|200||CUI|has_ingredient|1||RXNORM|RXNORM||||4096|\n|1|AUI|RO||2|AUI|has_ingredient|2||MMSL|MMSL||||4096|\n",
    );
}

/// Packs a folder as its publisher would.
pub fn packed(folder: &Path, archive: &Path) {
    fn add(writer: &mut zip::ZipWriter<std::fs::File>, folder: &Path, prefix: &str) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                add(writer, &path, &format!("{name}/"));
            } else {
                writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
                std::io::Write::write_all(writer, &std::fs::read(path).unwrap()).unwrap();
            }
        }
    }
    let mut writer = zip::ZipWriter::new(std::fs::File::create(archive).unwrap());
    add(&mut writer, folder, "Release/");
    writer.finish().unwrap();
}
