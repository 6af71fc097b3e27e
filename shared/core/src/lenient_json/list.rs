//! A list whose unreadable elements are counted and left out.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde_json::Value;

/// The elements of a JSON list that are a `T`, in their order, and the number of those that are not.
///
/// ```
/// use insights_core::lenient_json::LenientList;
///
/// let list: LenientList<u32> = serde_json::from_str(r#"[1, null, "two", 3]"#).unwrap();
/// assert_eq!((list.elements, list.skipped), (vec![1, 3], 2));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LenientList<T> {
    /// The elements that could be read.
    pub elements: Vec<T>,
    /// The number of elements that could not be read.
    pub skipped: usize,
}

impl<T> Default for LenientList<T> {
    fn default() -> Self {
        Self {
            elements: Vec::new(),
            skipped: 0,
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for LenientList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for ListVisitor<T> {
    type Value = LenientList<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<LenientList<T>, A::Error> {
        let mut list = LenientList::default();
        // Each element is read as any JSON first, because an error in the middle of an element would lose the place.
        while let Some(element) = elements.next_element::<Value>()? {
            // A list in the place of an object would be taken for the object's fields in their order.
            let is_list = element.is_array();
            match serde_json::from_value(element) {
                Ok(element) if !is_list || reads_lists::<T>() => list.elements.push(element),
                _ => list.skipped += 1,
            }
        }
        Ok(list)
    }
}

/// Returns whether an empty list is a `T`, which it is not for an object with required fields.
fn reads_lists<T: DeserializeOwned>() -> bool {
    serde_json::from_value::<T>(Value::Array(Vec::new())).is_ok()
}
