//! The Mersenne Twister as NumPy's `RandomState` uses it, so that a seed means what it means in scikit-learn.
//!
//! Source: Matsumoto & Nishimura (1998), "Mersenne Twister", ACM TOMACS 8(1), MT19937 with `init_genrand` and
//! `genrand_res53`.

/// Number of words of the generator's state (`N` of MT19937).
const WORDS: usize = 624;
/// Distance of the words that are mixed (`M` of MT19937).
const SHIFT: usize = 397;

/// A generator of random numbers in [0, 1).
pub(super) struct MersenneTwister {
    state: [u32; WORDS],
    next: usize,
}

impl MersenneTwister {
    /// Seeds the generator as `numpy.random.RandomState(seed)` does.
    pub(super) fn new(seed: u32) -> Self {
        let mut state = [seed; WORDS];
        for at in 1..WORDS {
            let before = state[at - 1];
            state[at] = 1_812_433_253_u32
                .wrapping_mul(before ^ (before >> 30))
                .wrapping_add(at as u32);
        }
        Self { state, next: WORDS }
    }

    /// Returns the next number in [0, 1), made of 53 random bits.
    pub(super) fn next_f64(&mut self) -> f64 {
        let high = f64::from(self.next_u32() >> 5);
        let low = f64::from(self.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// Returns the next 32 random bits.
    fn next_u32(&mut self) -> u32 {
        if self.next == WORDS {
            self.twist();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// Renews the whole state.
    fn twist(&mut self) {
        for at in 0..WORDS {
            let mixed =
                (self.state[at] & 0x8000_0000) | (self.state[(at + 1) % WORDS] & 0x7fff_ffff);
            let odd = if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[at] = self.state[(at + SHIFT) % WORDS] ^ (mixed >> 1) ^ odd;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_42_draws_what_numpy_draws() {
        // numpy.random.RandomState(42).random_sample(3)
        let mut random = MersenneTwister::new(42);
        assert_eq!(random.next_f64(), 0.374_540_118_847_362_5);
        assert_eq!(random.next_f64(), 0.950_714_306_409_916_2);
        assert_eq!(random.next_f64(), 0.731_993_941_811_405_1);
    }

    #[test]
    fn the_state_is_renewed_past_its_624_words() {
        // numpy.random.RandomState(7).random_sample(1000)[999]
        let mut random = MersenneTwister::new(7);
        assert_eq!(
            (0..1000).map(|_| random.next_f64()).last(),
            Some(0.016_448_753_231_374_513)
        );
    }
}
