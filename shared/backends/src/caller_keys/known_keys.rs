//! The keys of one version of the callers' secret, by their digests, and the search among them in constant time.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use store::secrets::Secrets;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::entries::{Entry, List, Unusable, read_list};
use super::scope::{Scope, Scopes};

/// The name of whoever holds the one key, or signs with the one secret, that has no entry in a list.
const UNNAMED: [(List, &str); 2] = [
    (List::API_KEYS, "api_key"),
    (List::WEBHOOK_SECRETS, "webhook_secret"),
];

/// A caller that has proven itself by a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the caller's entry; `api_key` for the one key without an entry.
    pub name: String,
    /// What the caller may do.
    pub scopes: Scopes,
}

impl Caller {
    /// Returns whether the caller may do this.
    #[must_use]
    pub const fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }
}

/// One key, without its text.
struct KnownKey {
    name: String,
    digest: [u8; 32],
    scopes: Scopes,
    not_after: Option<Timestamp>,
}

/// The keys of one version of the secret.
pub(super) struct KnownKeys(Vec<KnownKey>);

impl KnownKeys {
    /// Reads the keys of a secret, and what of it cannot be used.
    pub(super) fn read(secrets: &Secrets) -> (Self, Vec<Unusable>) {
        let (entries, unusable) = all_entries(secrets, List::API_KEYS);
        let keys = entries.into_iter().map(|entry| KnownKey {
            digest: Sha256::digest(entry.key.expose_secret()).into(),
            name: entry.name,
            scopes: entry.scopes,
            not_after: entry.not_after,
        });
        (Self(keys.collect()), unusable)
    }

    /// Returns the caller whose key was presented. Every key is compared, and the time does not depend on which one is equal or
    /// where they differ. A key of several entries has the scopes of all of them and the name of the first.
    pub(super) fn find(&self, presented: &str, now: Timestamp) -> Option<Caller> {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        let (mut scopes, mut first, mut is_found) = (0_u8, 0_u32, Choice::from(0));
        for (index, key) in (0_u32..).zip(&self.0) {
            let is_valid = key.not_after.is_none_or(|end| now < end);
            let is_equal = key.digest.ct_eq(&presented) & Choice::from(u8::from(is_valid));
            scopes |= u8::conditional_select(&0, &key.scopes.bits(), is_equal);
            first = u32::conditional_select(&first, &index, is_equal & !is_found);
            is_found |= is_equal;
        }
        let key = self.0.get(usize::try_from(first).ok()?)?;
        bool::from(is_found).then(|| Caller {
            name: key.name.clone(),
            scopes: Scopes::from_bits(scopes),
        })
    }
}

impl KnownKeys {
    /// Returns the digests of the keys with this name that are valid and have the scope, by this entry or by another of the same key.
    pub(super) fn digests_of(&self, name: &str, scope: Scope, now: Timestamp) -> Vec<[u8; 32]> {
        let is_valid = |key: &&KnownKey| key.not_after.is_none_or(|end| now < end);
        let valid: Vec<&KnownKey> = self.0.iter().filter(is_valid).collect();
        let has_scope = |digest: &[u8; 32]| {
            let mut same = valid.iter().filter(|key| key.digest == *digest);
            same.any(|key| key.scopes.contains(scope))
        };
        let named = valid.iter().filter(|key| key.name == name);
        named.map(|key| key.digest).filter(has_scope).collect()
    }
}

/// A secret by which a sender signs webhooks.
#[derive(Debug, Clone)]
pub struct SigningSecret {
    /// The name of the sender; `webhook_secret` for the one secret without an entry.
    pub name: String,
    /// The secret that the sender signs with.
    pub secret: SecretString,
    not_after: Option<Timestamp>,
}

impl SigningSecret {
    /// Returns whether the sender may still sign with it at this time.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.not_after.is_none_or(|end| now < end)
    }
}

/// Reads the secrets by which senders sign, and what of them cannot be used.
pub(super) fn read_signing_secrets(secrets: &Secrets) -> (Vec<SigningSecret>, Vec<Unusable>) {
    let (entries, unusable) = all_entries(secrets, List::WEBHOOK_SECRETS);
    let signing = entries.into_iter().map(|entry| SigningSecret {
        name: entry.name,
        secret: entry.key,
        not_after: entry.not_after,
    });
    (signing.collect(), unusable)
}

/// Returns the entries of a list, and before them the one value without an entry.
fn all_entries(secrets: &Secrets, list: List) -> (Vec<Entry>, Vec<Unusable>) {
    let unnamed = UNNAMED.into_iter().filter(|(of, _)| *of == list);
    let mut entries: Vec<Entry> = unnamed
        .filter_map(|(_, name)| {
            Some(Entry {
                name: name.to_owned(),
                key: secrets.get(name)?.clone(),
                scopes: Scopes::OF_API_KEY,
                not_after: None,
            })
        })
        .collect();
    let (named, unusable) = secrets
        .get(list.name)
        .map(|json| read_list(list, json.expose_secret()))
        .unwrap_or_default();
    entries.extend(named);
    (entries, unusable)
}
