//! A proxy before the AWS services that does to chosen requests what networks and overloaded services do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The service does it, but the answer is lost: the connection closes instead.
    LostAnswer,
    /// An answer with this status and error code; the service sees nothing.
    Refused(u16, &'static str),
    /// A batch write of which nothing was processed; the service sees nothing.
    Unprocessed,
}

/// A running proxy.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) url: String,
    faults: Arc<Mutex<VecDeque<(&'static str, Fault)>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts a proxy before the AWS services.
    pub(crate) async fn start() -> Self {
        let upstream = dev_stack::aws().endpoint_url;
        let upstream = upstream
            .strip_prefix("http://")
            .expect("plain HTTP")
            .trim_end_matches('/')
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let proxy = Self {
            url,
            faults: Arc::default(),
            seen: Arc::default(),
        };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (serving, upstream) = (serving.clone(), upstream.clone());
                tokio::spawn(async move { serving.serve(client, &upstream).await });
            }
        });
        proxy
    }

    /// The next requests of an operation fail like this, one after the other.
    pub(crate) fn inject(&self, operation: &'static str, faults: &[Fault]) {
        self.faults
            .lock()
            .expect("faults")
            .extend(faults.iter().map(|fault| (operation, *fault)));
    }

    /// How many requests of an operation came.
    pub(crate) fn seen(&self, operation: &str) -> usize {
        self.seen
            .lock()
            .expect("requests")
            .iter()
            .filter(|it| it.as_str() == operation)
            .count()
    }

    /// Whether every injected fault happened.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.faults.lock().expect("faults").is_empty()
    }

    /// Serves one request and closes.
    async fn serve(&self, mut client: TcpStream, upstream: &str) -> Option<()> {
        let (head, body) = read_request(&mut client).await?;
        let operation = operation(&head);
        self.seen.lock().expect("requests").push(operation.clone());
        let fault = {
            let mut faults = self.faults.lock().expect("faults");
            let next = faults.iter().position(|(of, _)| *of == operation);
            next.and_then(|at| faults.remove(at))
                .map(|(_, fault)| fault)
        };
        let answer = match fault {
            Some(Fault::Refused(status, code)) => {
                json(status, &format!("{{\"__type\":\"x#{code}\"}}"))
            }
            Some(Fault::Unprocessed) => {
                let body: serde_json::Value = serde_json::from_slice(&body).expect("a JSON body");
                json(
                    200,
                    &format!("{{\"UnprocessedItems\":{}}}", body["RequestItems"]),
                )
            }
            _ => forward(upstream, &head, &body).await?,
        };
        if fault != Some(Fault::LostAnswer) {
            client.write_all(&answer).await.ok()?;
        }
        client.shutdown().await.ok()
    }
}

fn json(status: u16, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn read_request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break at + 4;
        }
        if client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let body = bytes.split_off(end);
    let head = String::from_utf8(bytes).ok()?;
    let length: usize =
        header(&head, "content-length").map_or(Some(0), |value| value.parse().ok())?;
    let mut body = body;
    while body.len() < length {
        if client.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, body))
}

async fn forward(upstream: &str, head: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut server = TcpStream::connect(upstream).await.ok()?;
    // The server closes after its answer, which tells where the answer ends.
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(head.as_bytes()).await.ok()?;
    server.write_all(body).await.ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.ok()?;
    Some(answer)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// `PutItem` of `DynamoDB_20120810.PutItem`; for S3 the method.
fn operation(head: &str) -> String {
    let target = header(head, "x-amz-target").and_then(|target| target.split('.').nth(1));
    target
        .or_else(|| head.split(' ').next())
        .unwrap_or_default()
        .to_owned()
}
