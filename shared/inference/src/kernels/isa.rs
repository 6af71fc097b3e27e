//! The instruction sets that the kernels are compiled for, and the alignment that all of them need.

/// Number of values of which rows and panels are multiples: the 16 floats of the widest vector.
pub(crate) const ALIGN: usize = 16;

/// Rounds a length up to the next multiple of [`ALIGN`].
pub(crate) fn padded(length: usize) -> usize {
    length.next_multiple_of(ALIGN)
}

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    /// AVX-512 with the int8 dot product: Intel since Ice Lake and Cascade Lake, AMD since Zen 4.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with FMA: every other x86_64 host of AWS Lambda.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// NEON with the 8-bit matrix product: Graviton3 and later.
    #[cfg(target_arch = "aarch64")]
    I8mm,
    /// NEON with the 8-bit dot product: Graviton2.
    #[cfg(target_arch = "aarch64")]
    Dotprod,
    /// NEON without either: the oldest processors of arm64.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Plain loops, which the compiler turns into the vectors of its target.
    Portable,
}

impl Isa {
    /// Returns the instruction sets that this processor has, the fastest one first.
    pub(crate) fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
            {
                sets.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Self::Avx2);
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            if std::arch::is_aarch64_feature_detected!("i8mm") {
                sets.push(Self::I8mm);
            }
            if std::arch::is_aarch64_feature_detected!("dotprod") {
                sets.push(Self::Dotprod);
            }
            sets.push(Self::Neon);
        }
        sets.push(Self::Portable);
        sets
    }

    /// Returns the fastest instruction set of this processor.
    pub(crate) fn detect() -> Self {
        Self::available()[0]
    }

    /// Returns the number of inputs of one output that lie together in a packed panel.
    pub(super) fn input_group(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx2 => 4,
            #[cfg(target_arch = "aarch64")]
            Self::I8mm => 8,
            #[cfg(target_arch = "aarch64")]
            Self::Dotprod => 4,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => 1,
            Self::Portable => 1,
        }
    }

    /// Returns a weight as the packed matrix stores it: raised by 128 to be an unsigned byte where the multiply-add needs one.
    pub(super) fn stored_weight(self, weight: i8) -> i8 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => weight ^ i8::MIN,
            _ => weight,
        }
    }
}
