//! Bytes that look random and are the same each time.

/// How many inputs, and how long the longest is.
const COUNT: usize = 512;
const LONGEST: u64 = 384;

/// The first inputs of a target whose input is no text: of all lengths, because a short one makes
/// the plain cases.
pub fn noise() -> Vec<Vec<u8>> {
    let mut state = 0;
    let mut next = || splitmix64(&mut state);
    (0..COUNT)
        .map(|_| {
            let length = next() % LONGEST;
            (0..length).map(|_| next().to_le_bytes()[0]).collect()
        })
        .collect()
}

fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_each_time_and_never_the_same_twice() {
        let mut inputs = noise();
        assert_eq!(inputs, noise());
        inputs.retain(|input| input.len() > 8);
        let count = inputs.len();
        inputs.sort();
        inputs.dedup();
        assert_eq!(inputs.len(), count);
    }
}
