//! A map as the text that the kernel takes.

use core::{fmt, str};

use crate::{Extent, IdKind, IdMap, MAX_EXTENTS};

/// The longest line: three numbers of ten digits, two blanks and the line end.
pub(crate) const LINE: usize = 33;

/// How many extents are formatted without the large buffer.
const SOME: usize = 8;

/// How many bytes the line of an extent has.
pub(crate) fn line_length(extent: &Extent) -> usize {
    [extent.inside, extent.outside, extent.length].map(digits).iter().sum::<usize>() + 3
}

fn digits(number: u32) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Calls `use_text` with the text of `extents`, which lies on the stack: nothing is allocated.
pub(crate) fn with_text<T>(extents: &[Extent], use_text: impl FnOnce(&[u8]) -> T) -> T {
    if extents.len() <= SOME {
        use_text(fill(&mut [0; SOME * LINE], extents))
    } else {
        use_text(fill(&mut [0; MAX_EXTENTS * LINE], extents))
    }
}

/// Writes from the end of `buffer` backwards, because digits come out backwards.
fn fill<'a>(buffer: &'a mut [u8], extents: &[Extent]) -> &'a [u8] {
    let mut at = buffer.len();
    for extent in extents.iter().rev() {
        for (number, end) in [(extent.length, b'\n'), (extent.outside, b' '), (extent.inside, b' ')]
        {
            at -= 1;
            buffer[at] = end;
            at = digits_before(buffer, at, number);
        }
    }
    &buffer[at..]
}

fn digits_before(buffer: &mut [u8], mut at: usize, mut number: u32) -> usize {
    loop {
        at -= 1;
        buffer[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return at;
        }
    }
}

/// The exact bytes that the kernel takes: a line for each extent, in the order given.
impl<K: IdKind> fmt::Display for IdMap<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one piece, so that a String that receives it grows once.
        with_text(self.extents(), |text| f.write_str(str::from_utf8(text).map_err(|_| fmt::Error)?))
    }
}
