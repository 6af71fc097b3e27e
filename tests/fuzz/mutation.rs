//! Changes to a sample, which a fuzzing engine or a seed chooses.

use bolero::TypeGenerator;

/// One change of a sample.
#[derive(Debug, Clone, TypeGenerator)]
pub(crate) enum Edit {
    /// Replaces the byte at the place.
    Replace(u16, u8),
    /// Inserts bytes at the place.
    Insert(u16, Vec<u8>),
    /// Removes some bytes from the place on.
    Remove(u16, u8),
    /// Cuts the sample at the place.
    Cut(u16),
    /// Repeats the part from the place on.
    Repeat(u16),
}

/// A sample with changes.
#[derive(Debug, Clone, TypeGenerator)]
pub(crate) struct Mutation {
    sample: u8,
    edits: Vec<Edit>,
}

/// Largest number of bytes that a mutated sample has.
const MAX_BYTES: usize = 16 << 10;

/// Returns the mutated sample.
pub(crate) fn mutate(samples: &[&str], mutation: &Mutation) -> Vec<u8> {
    let sample = samples[usize::from(mutation.sample) % samples.len()];
    let mut bytes = sample.as_bytes().to_vec();
    for edit in mutation.edits.iter().take(8) {
        apply(&mut bytes, edit);
        bytes.truncate(MAX_BYTES);
    }
    bytes
}

fn apply(bytes: &mut Vec<u8>, edit: &Edit) {
    let place = |place: u16| usize::from(place) % (bytes.len() + 1);
    match edit {
        Edit::Replace(at, byte) => {
            let at = place(*at);
            if let Some(found) = bytes.get_mut(at) {
                *found = *byte;
            }
        }
        Edit::Insert(at, more) => {
            let at = place(*at);
            bytes.splice(at..at, more.iter().copied());
        }
        Edit::Remove(at, count) => {
            let at = place(*at);
            let end = (at + usize::from(*count)).min(bytes.len());
            bytes.drain(at..end);
        }
        Edit::Cut(at) => {
            let at = place(*at);
            bytes.truncate(at);
        }
        Edit::Repeat(at) => {
            let at = place(*at);
            bytes.extend_from_within(at..);
        }
    }
}
