//! Earlier versions of objects: what a bucket with versions keeps of objects that were replaced or deleted.
//!
//! The object store's client knows no call for them, so the requests are built and signed here.

use std::sync::Arc;

use http::{Method, StatusCode};
use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::{HttpClient, HttpRequestBody};
use serde::Deserialize;

use crate::Error;

/// One earlier version of an object, or the mark of its deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierVersion {
    /// The key of the object.
    pub key: String,
    /// The name that the bucket gave the version.
    pub id: String,
    /// Whether the version only marks that the object was deleted, without content.
    pub is_deletion: bool,
}

/// The access to the versions of one bucket.
#[derive(Debug)]
pub(super) struct BucketVersions {
    pub(super) store: Arc<AmazonS3>,
    pub(super) http: HttpClient,
    /// The address of the bucket, without a slash at its end.
    pub(super) address: String,
    pub(super) region: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct VersionPage {
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_version_id_marker: Option<String>,
    #[serde(rename = "Version")]
    versions: Vec<VersionEntry>,
    #[serde(rename = "DeleteMarker")]
    deletions: Vec<VersionEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersionEntry {
    key: String,
    version_id: String,
    is_latest: bool,
}

impl BucketVersions {
    /// Lists the earlier versions of all objects whose keys start with `prefix`: contents first, then marks of deletions, since
    /// a mark that is deleted before the content behind it would bring the content back.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<EarlierVersion>, Error> {
        let mut contents = Vec::new();
        let mut deletions = Vec::new();
        let mut after = String::new();
        loop {
            let address = format!("{}?versions&prefix={}{after}", self.address, encode(prefix));
            let body = self.call(Method::GET, &address, "list_versions").await?;
            let page = read_page(&body).map_err(|source| unavailable("list_versions", source))?;
            let earlier = |entry: VersionEntry, is_deletion| EarlierVersion {
                key: entry.key,
                id: entry.version_id,
                is_deletion,
            };
            let replaced = page.versions.into_iter().filter(|entry| !entry.is_latest);
            contents.extend(replaced.map(|entry| earlier(entry, false)));
            deletions.extend(page.deletions.into_iter().map(|entry| earlier(entry, true)));
            match (page.is_truncated, page.next_key_marker) {
                (true, Some(key)) => {
                    let id = page.next_version_id_marker.unwrap_or_default();
                    after = format!(
                        "&key-marker={}&version-id-marker={}",
                        encode(&key),
                        encode(&id)
                    );
                }
                _ => break,
            }
        }
        contents.append(&mut deletions);
        Ok(contents)
    }

    /// Deletes a version for good. A version that does not exist is success.
    pub(super) async fn delete(&self, version: &EarlierVersion) -> Result<(), Error> {
        let path: Vec<String> = version.key.split('/').map(encode).collect();
        let address = format!(
            "{}/{}?versionId={}",
            self.address,
            path.join("/"),
            encode(&version.id)
        );
        self.call(Method::DELETE, &address, "delete_version")
            .await
            .map(|_| ())
    }

    async fn call(
        &self,
        method: Method,
        address: &str,
        operation: &'static str,
    ) -> Result<bytes::Bytes, Error> {
        let credential = self
            .store
            .credentials()
            .get_credential()
            .await
            .map_err(|error| unavailable(operation, error))?;
        let mut request = http::Request::builder()
            .method(method)
            .uri(address)
            .body(HttpRequestBody::empty())
            .map_err(|error| unavailable(operation, error))?;
        AwsAuthorizer::new(&credential, "s3", &self.region)
            .try_authorize(&mut request, None)
            .map_err(|error| unavailable(operation, error))?;
        let answer = self
            .http
            .execute(request)
            .await
            .map_err(|error| unavailable(operation, error))?;
        let status = answer.status();
        match status {
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Err(Error::missing(format!(
                "the right to versions in the bucket ({operation} returned {status})"
            ))),
            status if status.is_success() => answer
                .into_body()
                .bytes()
                .await
                .map_err(|error| unavailable(operation, error)),
            status => Err(unavailable(operation, format!("S3 returned {status}"))),
        }
    }
}

fn read_page(body: &[u8]) -> Result<VersionPage, quick_xml::DeError> {
    quick_xml::de::from_reader(body)
}

fn unavailable(operation: &'static str, source: impl Into<crate::Cause>) -> Error {
    Error::Unavailable {
        store: "S3",
        operation,
        source: source.into(),
    }
}

/// Encodes a part of a path or a value of a query as signatures of AWS have it: everything but letters, figures and `-._~`.
fn encode(text: impl AsRef<str>) -> String {
    let mut encoded = String::new();
    for byte in text.as_ref().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_versions_and_deletions_in_any_order_is_read() {
        let page = r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix/><MaxKeys>2</MaxKeys>
            <IsTruncated>true</IsTruncated><NextKeyMarker>a&amp;b</NextKeyMarker><NextVersionIdMarker>v2</NextVersionIdMarker>
            <DeleteMarker><Key>a&amp;b</Key><VersionId>v3</VersionId><IsLatest>true</IsLatest></DeleteMarker>
            <Version><Key>a&amp;b</Key><VersionId>v2</VersionId><IsLatest>false</IsLatest><Size>3</Size></Version>
            <DeleteMarker><Key>c</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest></DeleteMarker>
            </ListVersionsResult>"#;
        let page = read_page(page.as_bytes()).unwrap();
        assert!(page.is_truncated);
        assert_eq!(page.next_key_marker.as_deref(), Some("a&b"));
        assert_eq!((page.versions.len(), page.deletions.len()), (1, 2));
        assert_eq!(page.versions[0].version_id, "v2");
        let empty = "<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>";
        assert!(read_page(empty.as_bytes()).unwrap().versions.is_empty());
    }

    #[test]
    fn keys_are_encoded_as_signatures_have_them() {
        assert_eq!(encode("reports/a b(1).csv"), "reports%2Fa%20b%281%29.csv");
        assert_eq!(encode("отчёт"), "%D0%BE%D1%82%D1%87%D1%91%D1%82");
    }
}
