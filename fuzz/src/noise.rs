//! Pseudo-random bytes from a fixed seed.

/// The number of inputs, and the limit of their length.
const COUNT: usize = 512;
const LONGEST: u64 = 384;

/// Returns the seed inputs of a target whose input is not text. The lengths differ, because short inputs make simple
/// cases.
pub fn noise() -> Vec<Vec<u8>> {
    let mut noise = Noise::new(0);
    let inputs = (0..COUNT).map(|_| {
        let length = noise.next() % LONGEST;
        noise.bytes(length)
    });
    inputs.collect()
}

/// The generator `splitmix64`.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    pub(crate) fn bytes(&mut self, count: u64) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inputs_are_reproducible_and_distinct() {
        let mut inputs = noise();
        assert_eq!(inputs, noise());
        inputs.retain(|input| input.len() > 8);
        let count = inputs.len();
        inputs.sort();
        inputs.dedup();
        assert_eq!(inputs.len(), count);
    }
}
