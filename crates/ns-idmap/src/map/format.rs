//! The text of a map, as the kernel reads it.

use core::{fmt, str};

use crate::{Extent, IdKind, IdMap, MAX_EXTENTS};

/// The length of the longest line: three numbers of ten digits, two blanks and the line end.
pub(super) const LINE: usize = 33;

/// The number of extents up to which a small buffer is used.
const SMALL: usize = 8;

/// The length of the line of an extent, in bytes.
pub(super) fn line_length(extent: &Extent) -> usize {
    [extent.inside, extent.outside, extent.length].map(digits).iter().sum::<usize>() + 3
}

fn digits(number: u32) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Calls `use_text` with the text of `extents`, in a buffer on the stack. Does not allocate.
pub(crate) fn with_text<T>(extents: &[Extent], use_text: impl FnOnce(&[u8]) -> T) -> T {
    if extents.len() <= SMALL {
        use_text(fill(&mut [0; SMALL * LINE], extents))
    } else {
        with_long_text(extents, use_text)
    }
}

// Not inlined, because each page of a larger stack frame is a page fault, also in a call with few extents.
#[inline(never)]
fn with_long_text<T>(extents: &[Extent], use_text: impl FnOnce(&[u8]) -> T) -> T {
    use_text(fill(&mut [0; MAX_EXTENTS * LINE], extents))
}

/// Fills `buffer` from its end, because the last digit of a number is computed first.
fn fill<'a>(buffer: &'a mut [u8], extents: &[Extent]) -> &'a [u8] {
    let mut at = buffer.len();
    for extent in extents.iter().rev() {
        for (number, end) in [(extent.length, b'\n'), (extent.outside, b' '), (extent.inside, b' ')]
        {
            at -= 1;
            buffer[at] = end;
            at = write_digits(buffer, at, number);
        }
    }
    &buffer[at..]
}

/// Writes the digits of `number` so that they end before `at`. Returns where they begin.
fn write_digits(buffer: &mut [u8], mut at: usize, mut number: u32) -> usize {
    loop {
        at -= 1;
        buffer[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return at;
        }
    }
}

/// Prints the bytes that the kernel accepts: a line for each extent, in the given order.
impl<K: IdKind> fmt::Display for IdMap<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One `write_str`, so that a `String` grows only once.
        with_text(self.extents(), |text| f.write_str(str::from_utf8(text).map_err(|_| fmt::Error)?))
    }
}

/// Prints the list of extents, in the given order.
impl<K: IdKind> fmt::Debug for IdMap<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.extents()).finish()
    }
}
