//! HL7 version 2: messages as they come over the wire. Knows nothing of FHIR.
