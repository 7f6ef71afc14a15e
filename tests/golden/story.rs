//! A story: messages in the order in which things happened, each beginning with its MSH.

/// The messages of a file; segments end with carriage returns.
pub fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let mut messages: Vec<String> = Vec::new();
    for segment in text.split_inclusive('\r') {
        if segment.starts_with("MSH|") {
            messages.push(String::new());
        }
        messages.last_mut().expect("a story begins with a header").push_str(segment);
    }
    messages.into_iter().map(String::into_bytes).collect()
}
