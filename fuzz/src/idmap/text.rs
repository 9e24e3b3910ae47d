//! Texts that are maps, or resemble maps.

use arbitrary::{Arbitrary, Result, Unstructured};

use super::extents::id;

/// Seed inputs: ID maps that the kernel accepts, ones that it rejects, and the notations of other tools.
pub const TEXTS: &[&str] = &[
    "0 0 1",
    "0 0 1\n1 1 1",
    " 0\t0  1 ",
    "0\x0b0\x0c1\r",
    "0 0 4294967295",
    "0 0 10\n10 10 10\n",
    "\n",
    "0 0 1\n\n",
    "0 0",
    "0 0 1 x",
    "0x0 0 1",
    "-1 0 1",
    "0 +0 1",
    "0 0 0",
    "4294967295 0 1",
    "4294967294 0 2",
    "0 0 4294967296",
    "18446744073709551617 5 1",
    "0 0 10\n5 100 10",
    "0 0 10\n100 5 10",
    "0 0 1\0junk",
    "1000",
    "1000,1001",
    "0 1000 1,1 1001 1",
    "0:1000:1,1:100000:65536",
    "0:1 1",
    "5 5 1\n4 4 1\n3 3 1\n2 2 1\n1 1 1\n0 0 1",
    "0 0 1\r\n1 1 1\r\n",
    "7ä 0 1",
];

/// A text to parse as a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl<'a> Arbitrary<'a> for Text {
    /// Makes a map in one of the accepted forms, sometimes with an invalid character.
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let form = *u.choose(&[Form::Blanks, Form::Blanks, Form::Colons, Form::Ids])?;
        let mut text = String::new();
        for index in 0..u.int_in_range(1..=5)? {
            if index > 0 {
                text += *u.choose(&["\n", "\n", ","])?;
            }
            text += &form.entry(index, u)?;
        }
        text += *u.choose(&["", "", "\n", "\n", "\n\n"])?;
        if u.ratio(1, 5)? {
            text.insert(u.choose_index(text.len() + 1)?, stray(u)?);
        }
        Ok(Self(text))
    }

    /// Takes bytes that are UTF-8 as the text itself, so that files and dictionaries work. Makes a text from other
    /// bytes.
    fn arbitrary_take_rest(mut u: Unstructured<'a>) -> Result<Self> {
        match str::from_utf8(u.peek_bytes(u.len()).unwrap_or_default()) {
            Ok(text) => Ok(Self(text.to_owned())),
            Err(_) => Self::arbitrary(&mut u),
        }
    }
}

/// The form of an entry.
#[derive(Clone, Copy, Debug)]
enum Form {
    Blanks,
    Colons,
    Ids,
}

impl Form {
    fn entry(self, index: u32, u: &mut Unstructured<'_>) -> Result<String> {
        let mut entry = String::from(if u.ratio(1, 6)? { blank(u)? } else { "" });
        let count = if matches!(self, Self::Ids) { 1 } else { 3 };
        let count = if u.ratio(1, 16)? { u.int_in_range(0..=4)? } else { count };
        for number in 0..count {
            if number > 0 {
                entry += if matches!(self, Self::Colons) { ":" } else { blank(u)? };
            }
            // A length is at most the distance to the next extent.
            entry += &self::number(if number < 2 { 10 * index } else { 1 + index }, u)?;
        }
        Ok(if u.ratio(1, 8)? { entry + blank(u)? } else { entry })
    }
}

fn blank(u: &mut Unstructured<'_>) -> Result<&'static str> {
    u.choose(&[" ", " ", " ", "\t", "\x0b", "\x0c", "\r", "  ", "\t "]).copied()
}

/// Returns a number, usually the one that makes a valid map.
fn number(fitting: u32, u: &mut Unstructured<'_>) -> Result<String> {
    Ok(match u.int_in_range(0..=47)? {
        1 => u.arbitrary::<u64>()?.to_string(),
        2 => format!("{:#x}", id(u)?),
        // Numbers close to the first that is not a 32-bit number.
        3 => (u64::from(u32::MAX) + u.int_in_range(0..=2)?).to_string(),
        4..=7 => id(u)?.to_string(),
        8..=11 => format!("0{fitting}"),
        _ => fitting.to_string(),
    })
}

fn stray(u: &mut Unstructured<'_>) -> Result<char> {
    match u.choose(&['\0', ' ', '\n', '\t', '+', ':', '0', '-', 'ä', '\u{7f}'])? {
        // Any ASCII character.
        '\u{7f}' => Ok(u.int_in_range(0..=0x7f_u8)?.into()),
        listed => Ok(*listed),
    }
}

#[cfg(test)]
mod tests {
    use super::super::naive;
    use super::*;

    fn inputs() -> Vec<Text> {
        let noise = crate::noise();
        let draw = |bytes: &Vec<u8>| Text::arbitrary(&mut Unstructured::new(bytes)).unwrap();
        noise.iter().map(draw).collect()
    }

    #[test]
    fn many_inputs_are_valid_and_many_are_invalid() {
        let texts = inputs();
        let is_map = |text: &&Text| naive::parse(&text.0).is_ok_and(|all| naive::is_map(&all));
        let maps = texts.iter().filter(is_map).count();
        assert!((50..=400).contains(&maps), "{maps} of {}", texts.len());
    }

    /// For each separator there is an input that is valid only because of it.
    #[test]
    fn each_separator_matters_in_some_input() {
        let texts = inputs();
        for blank in [' ', '\t', '\x0b', '\x0c', '\r', ':'] {
            let matters = |text: &&Text| {
                let without = text.0.replace(blank, "x");
                naive::parse(&text.0).is_ok() && naive::parse(&without).is_err()
            };
            assert!(texts.iter().any(|text| matters(&text)), "{blank:?}");
        }
    }

    #[test]
    fn utf8_bytes_are_the_text_itself() {
        let text = |bytes| Text::arbitrary_take_rest(Unstructured::new(bytes)).unwrap().0;
        assert_eq!(text(b"0 0 1"), "0 0 1");
        assert_eq!(text(b""), "");
        assert!(!text(b"\xff\x000 0 1").is_empty());
    }
}
