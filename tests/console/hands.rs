//! A person at the keyboard: Tab, Enter, Space and the arrows. Things are found by the words that stand on them, as somebody reads or hears
//! them, so that a story fails where a word changes that people look for.

use fantoccini::{Locator, elements::Element};
use serde_json::json;

use crate::browser::Browser;

pub const TAB: &str = "\u{E004}";
pub const ENTER: &str = "\u{E007}";
const DOWN: &str = "\u{E015}";
/// Steps from one end of a long page to the other.
const MOST_TABS: usize = 400;

/// What the thing that has the focus is called, and whether it stands within something that says this.
const HEARD: &str = "const one = document.activeElement, inside = arguments[0];
    const labels = [...(one.labels || [])].map(label => label.innerText).join(' ');
    const words = one.getAttribute('aria-label') || labels || one.innerText || '';
    const row = one.closest('li, tr'), form = one.closest('form.form, fieldset');
    const around = row ? [row, form] : [form, one.closest('dl > div, section, header, main')];
    return [words.replace(/\\s+/g, ' ').trim(), !inside || around.some(part => part && part.innerText.includes(inside))];";

impl Browser {
    async fn active(&self) -> Element {
        self.client.active_element().await.unwrap()
    }

    async fn heard(&self, within: &str) -> (String, bool) {
        let heard = self.client.execute(HEARD, vec![json!(within)]).await.unwrap();
        (heard[0].as_str().unwrap_or_default().to_string(), heard[1] == json!(true))
    }

    /// Goes on to the next thing whose words begin so, within the nearest row, form or part of the page that says `within`.
    pub async fn tab_to(&self, within: &str, words: &str) {
        let mut passed = Vec::new();
        for _ in 0..MOST_TABS {
            let (heard, is_within) = self.heard(within).await;
            if is_within && heard.starts_with(words) {
                return;
            }
            passed.push(heard);
            self.active().await.send_keys(TAB).await.unwrap();
        }
        passed.truncate(60);
        panic!("no key leads to “{words}” within “{within}”; on the way:\n{}", passed.join("\n"));
    }

    /// Goes there and presses Enter.
    pub async fn press(&self, words: &str) {
        self.press_in("", words).await;
    }

    pub async fn press_in(&self, within: &str, words: &str) {
        self.tab_to(within, words).await;
        self.active().await.send_keys(ENTER).await.unwrap();
    }

    /// Goes to a field by its label and writes.
    pub async fn write(&self, label: &str, text: &str) {
        self.write_in("", label, text).await;
    }

    pub async fn write_in(&self, within: &str, label: &str, text: &str) {
        self.tab_to(within, label).await;
        self.active().await.send_keys(text).await.unwrap();
    }

    /// Chooses one of several that stand together, with the arrows, once the focus is on another of them.
    pub async fn choose(&self, words: &str) {
        for _ in 0..10 {
            if self.heard("").await.0.starts_with(words) {
                self.active().await.send_keys(" ").await.unwrap();
                return;
            }
            self.active().await.send_keys(DOWN).await.unwrap();
        }
        panic!("no arrow leads to “{words}”");
    }

    /// What stands in the head of the page: the menu, and who is logged in.
    pub async fn head(&self) -> String {
        let head = self.client.find(Locator::Css("header.top")).await.unwrap().text().await.unwrap();
        head.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Opens the address of the gateway itself and logs in, without a mouse.
    pub async fn log_in(&self, address: &str, login: &str, password: &str) {
        self.client.goto(address).await.unwrap();
        self.sees("Log in").await;
        // The focus stands in the first field.
        self.active().await.send_keys(&format!("{login}{TAB}{password}{ENTER}")).await.unwrap();
        self.client.wait().for_element(Locator::Css("form.me")).await.unwrap();
    }
}
