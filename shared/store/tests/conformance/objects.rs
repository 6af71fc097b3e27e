//! The object store.

use futures::future::join_all;
use store::Error;
use store::objects::Objects;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proxy::{Fault, Proxy};

/// A new bucket, reached through `endpoint`.
async fn bucket(endpoint: &str) -> Objects {
    let name = dev_stack::unique("bucket");
    request("PUT", &format!("/{name}"), "").await;
    Objects::open_bucket(&store::aws::load_config(Some(endpoint)).await, &name).expect("a store")
}

/// A new bucket that keeps earlier versions.
async fn bucket_with_versions() -> Objects {
    let name = dev_stack::unique("bucket");
    request("PUT", &format!("/{name}"), "").await;
    let enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    request("PUT", &format!("/{name}?versioning"), enabled).await;
    let config = store::aws::load_config(Some(&dev_stack::aws().endpoint_url)).await;
    Objects::open_bucket(&config, &name).expect("a store")
}

/// Sends a request without a signature to the server of AWS services.
async fn request(method: &str, path: &str, body: &str) {
    let server = dev_stack::aws().endpoint_url;
    let address = server
        .strip_prefix("http://")
        .expect("plain HTTP")
        .trim_end_matches('/');
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    connection
        .write_all(request.as_bytes())
        .await
        .expect("a request");
    let mut answer = String::new();
    connection
        .read_to_string(&mut answer)
        .await
        .expect("an answer");
    assert!(answer.contains(" 200 "), "{answer}");
}

async fn an_object_is_read_back_overwritten_and_deleted(objects: &Objects) {
    let key = "reports/2026-11-20/отчёт 日本.csv";
    assert_eq!(objects.get(key).await.expect("an answer"), None);
    assert_eq!(objects.size(key).await.expect("an answer"), None);
    objects
        .put(key, vec![0_u8, 255, 10])
        .await
        .expect("written");
    assert_eq!(
        objects
            .get(key)
            .await
            .expect("an answer")
            .expect("the object"),
        &[0_u8, 255, 10][..]
    );
    objects.put(key, "second").await.expect("overwritten");
    assert_eq!(
        objects
            .get(key)
            .await
            .expect("an answer")
            .expect("the object"),
        "second"
    );
    assert_eq!(objects.size(key).await.expect("an answer"), Some(6));
    objects.put("empty", "").await.expect("written");
    assert_eq!(objects.size("empty").await.expect("an answer"), Some(0));
    objects.delete(key).await.expect("deleted");
    objects.delete(key).await.expect("gone already");
    assert_eq!(objects.get(key).await.expect("an answer"), None);
}

async fn an_upload_is_seen_when_it_is_finished(objects: &Objects) {
    let key = "reports/large.csv";
    objects.put(key, "earlier").await.expect("written");
    let piece = vec![b'x'; 3 << 20];
    let mut upload = objects.upload(key).expect("a key that is allowed");
    for _ in 0..8 {
        upload.write(piece.clone()).await.expect("taken");
    }
    let seen = objects.get(key).await.expect("an answer");
    assert_eq!(seen.expect("the object"), "earlier");
    upload.finish().await.expect("written");
    let size = objects.size(key).await.expect("an answer");
    assert_eq!(size, Some(8 * (3 << 20)), "it is larger than one part");

    let mut small = objects.upload(key).expect("a key that is allowed");
    small.write("a").await.expect("taken");
    small.write("b").await.expect("taken");
    small.finish().await.expect("written");
    let seen = objects.get(key).await.expect("an answer");
    assert_eq!(seen.expect("the object"), "ab");
    let mut dropped = objects.upload(key).expect("a key that is allowed");
    dropped.write("c").await.expect("taken");
    drop(dropped);
    let seen = objects.get(key).await.expect("an answer");
    assert_eq!(seen.expect("the object"), "ab");
    assert!(objects.upload("../escape").is_err());
    objects.delete(key).await.expect("deleted");
}

async fn of_several_creators_exactly_one_wins(objects: &Objects) {
    let creators = (0..20).map(|n| {
        let objects = objects.clone();
        tokio::spawn(async move {
            objects
                .put_new("archive/42.jsonl", n.to_string())
                .await
                .map(|()| n)
        })
    });
    let mut won = Vec::new();
    for outcome in join_all(creators).await {
        match outcome.expect("no panic") {
            Ok(n) => won.push(n),
            Err(Error::Conflict { key }) => assert_eq!(key, "archive/42.jsonl"),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(won.len(), 1);
    let content = objects
        .get("archive/42.jsonl")
        .await
        .expect("an answer")
        .expect("the object");
    assert_eq!(content, won[0].to_string());
}

async fn of_several_writers_over_one_version_exactly_one_wins(objects: &Objects) {
    let key = "archive/43.jsonl";
    assert!(
        objects
            .get_with_version(key)
            .await
            .expect("an answer")
            .is_none()
    );
    objects.put_new(key, "first").await.expect("written");
    let (content, version) = objects
        .get_with_version(key)
        .await
        .expect("an answer")
        .expect("the object");
    assert_eq!(content, "first");
    let writers = (0..10).map(|n| {
        let (objects, version) = (objects.clone(), version.clone());
        tokio::spawn(async move {
            // Each content has a length of its own, by which even a coarse clock of a file system tells versions apart.
            let content = "x".repeat(n + 10);
            let written = objects.put_over(key, content.clone(), &version).await;
            written.map(|()| content)
        })
    });
    let mut won = Vec::new();
    for outcome in join_all(writers).await {
        match outcome.expect("no panic") {
            Ok(content) => won.push(content),
            Err(Error::Conflict { key: refused }) => assert_eq!(refused, key),
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(won.len(), 1);
    let (content, version) = objects
        .get_with_version(key)
        .await
        .expect("an answer")
        .expect("the object");
    assert_eq!(content, won[0].as_bytes());
    objects
        .put_over(key, "next", &version)
        .await
        .expect("written");
    objects.delete(key).await.expect("deleted");
    let gone = objects.put_over(key, "too late", &version).await;
    assert!(matches!(gone, Err(Error::Conflict { .. })), "{gone:?}");
}

async fn objects_are_listed_by_prefix_in_order(objects: &Objects) {
    for key in ["a/b/2", "a/b/10", "a/bc", "a/b/c/d", "b", "é/x"] {
        objects.put(key, key).await.expect("written");
    }
    for (prefix, expected) in [
        ("", &["a/b/10", "a/b/2", "a/b/c/d", "a/bc", "b", "é/x"][..]),
        ("a/", &["a/b/10", "a/b/2", "a/b/c/d", "a/bc"]),
        ("a/b", &["a/b/10", "a/b/2", "a/b/c/d", "a/bc"]),
        ("a/b/", &["a/b/10", "a/b/2", "a/b/c/d"]),
        ("a/b/1", &["a/b/10"]),
        ("none/", &[]),
    ] {
        let listed = objects.list(prefix).await.expect("a list");
        let keys: Vec<_> = listed.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, expected, "{prefix:?}");
        assert!(
            listed
                .iter()
                .all(|entry| entry.bytes == entry.key.len() as u64)
        );
    }
}

async fn a_key_cannot_leave_the_store(objects: &Objects) {
    for bad in ["../escape", "/etc/passwd", "a/../../b", "", "a//b", "a\\b"] {
        let error = objects.put(bad, "x").await.expect_err("refused");
        assert!(matches!(error, Error::Limit { .. }), "{bad:?}: {error:?}");
        assert!(
            objects.get(bad).await.is_err() && objects.delete(bad).await.is_err(),
            "{bad:?}"
        );
    }
    assert!(objects.list("../").await.is_err());
    assert!(objects.list("").await.expect("a list").is_empty());
}

macro_rules! conformance {
    ($($test:ident)*) => {
        mod s3_conforms {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(&super::bucket(&dev_stack::aws().endpoint_url).await).await;
                }
            )*
        }
        mod folder_conforms {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let folder = tempfile::tempdir().expect("a folder");
                    let objects = store::objects::Objects::open_folder(folder.path().join("objects"));
                    super::$test(&objects.expect("a store")).await;
                }
            )*
        }
    };
}

conformance! {
    an_object_is_read_back_overwritten_and_deleted
    an_upload_is_seen_when_it_is_finished
    of_several_creators_exactly_one_wins
    of_several_writers_over_one_version_exactly_one_wins
    objects_are_listed_by_prefix_in_order
    a_key_cannot_leave_the_store
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_recognized_as_its_own() {
    let proxy = Proxy::start().await;
    let objects = bucket(&proxy.url).await;
    proxy.inject("PUT", &[Fault::LostAnswer]);
    let created = objects.put_new("archive/1", "text").await;
    let conflict = objects.put_new("archive/1", "text").await;
    assert!(
        matches!(conflict, Err(Error::Conflict { .. })),
        "{conflict:?}"
    );
    assert!(proxy.is_exhausted());
    // The client does not send a conditional write again by itself: the caller must send it again.
    match created {
        Ok(()) => {}
        Err(error) => assert!(error.is_retryable(), "{error:?}"),
    }
    assert_eq!(
        objects
            .get("archive/1")
            .await
            .expect("an answer")
            .expect("the object"),
        "text"
    );
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_no_matter_of_retries() {
    let config = store::aws::load_config(Some(&dev_stack::aws().endpoint_url)).await;
    let objects = Objects::open_bucket(&config, "no-such-bucket").expect("a store");
    for error in [
        objects.put("k", "x").await.expect_err("no bucket"),
        objects.get("k").await.expect_err("no bucket"),
        objects.list("").await.expect_err("no bucket"),
    ] {
        assert!(matches!(error, Error::Missing { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn earlier_versions_are_listed_read_and_deleted_for_good() {
    let objects = bucket_with_versions().await;
    let key = "archive/a (1) é.jsonl";
    objects.put(key, "first").await.expect("written");
    objects.put(key, "second").await.expect("written");
    objects
        .put("archive/b.jsonl", "kept")
        .await
        .expect("written");
    objects.delete(key).await.expect("deleted");
    let earlier = objects
        .list_earlier_versions("archive/")
        .await
        .expect("a list");
    let shown: Vec<_> = earlier
        .iter()
        .map(|version| (version.key.as_str(), version.is_deletion))
        .collect();
    assert_eq!(shown, [(key, false), (key, false), (key, true)]);
    let mut contents = Vec::new();
    for version in earlier.iter().filter(|version| !version.is_deletion) {
        contents.push(
            objects
                .get_earlier(version)
                .await
                .expect("an answer")
                .expect("a version"),
        );
    }
    contents.sort();
    assert_eq!(contents, ["first", "second"]);
    for version in &earlier {
        objects.delete_earlier(version).await.expect("deleted");
        objects
            .delete_earlier(version)
            .await
            .expect("deleted again");
        assert_eq!(objects.get(key).await.expect("an answer"), None);
    }
    assert_eq!(objects.list_earlier_versions("").await.expect("a list"), []);
    assert_eq!(
        objects
            .get("archive/b.jsonl")
            .await
            .expect("an answer")
            .expect("the object"),
        "kept"
    );
}

#[tokio::test]
async fn a_folder_keeps_no_earlier_versions() {
    let folder = tempfile::tempdir().expect("a folder");
    let objects = Objects::open_folder(folder.path()).expect("a store");
    objects.put("a", "first").await.expect("written");
    objects.put("a", "second").await.expect("written");
    assert_eq!(objects.list_earlier_versions("").await.expect("a list"), []);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let error = Objects::open_folder(file.join("below")).expect_err("below a file");
    assert!(error.to_string().contains("below"), "{error}");
}
