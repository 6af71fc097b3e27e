//! The chat stream of the simulated contact center: a WebSocket over a pipe in memory, with the product's own client at its other
//! end.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use insights_core::chat::message::Message;
use tokio::io::DuplexStream;
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::faults::{Fault, Target};
use crate::processes::Process;
use crate::seeded_os;
use crate::world::SharedWorld;

/// Most bytes that lie in the pipe in one direction.
const PIPE_BYTES: usize = 64 << 10;

/// How often the contact center looks for what it has to show on a connection.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Opens the stream for a request of a process, whose token is good until `expires_ms` of the run. Returns the answer of the
/// handshake, from which the client goes on.
pub(crate) async fn open(
    world: SharedWorld,
    process: Process,
    request: reqwest::Request,
    expires_ms: u64,
) -> Result<reqwest::Response, Box<dyn std::error::Error + Send + Sync>> {
    let (client, server) = tokio::io::duplex(PIPE_BYTES);
    tokio::spawn(serve(world, process, server, expires_ms));
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(client)).await?;
    tokio::spawn(connection.with_upgrades());
    let mut request = http::Request::<reqwest::Body>::try_from(request)?;
    *request.uri_mut() = http::Uri::from_static("/stream");
    let host = http::HeaderValue::from_static("contact-center");
    request.headers_mut().insert(http::header::HOST, host);
    let mut answer = sender.send_request(request).await?;
    let upgrade = hyper::upgrade::on(&mut answer);
    let (mut parts, _) = answer.into_parts();
    parts.extensions.insert(upgrade);
    Ok(http::Response::from_parts(parts, reqwest::Body::from("")).into())
}

async fn serve(world: SharedWorld, process: Process, pipe: DuplexStream, expires_ms: u64) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(pipe).await else {
        return;
    };
    process.turn().await;
    let mut shown = world.lock().chats.frame_count();
    let mut looks = tokio::time::interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_stalled = false;
    loop {
        tokio::select! {
            biased;
            _ = looks.tick() => {
                process.turn().await;
                let fault = world.lock().meet_in_window(Target::Stream);
                is_stalled = match fault {
                    None => false,
                    // Nothing gets through, in neither direction, and nobody learns of it.
                    Some(Fault::Hang | Fault::Slow(_)) => true,
                    Some(_) => {
                        let line = || format!("{} loses its stream", process.name());
                        world.lock().trace.add(line);
                        return;
                    }
                };
                if seeded_os::elapsed_ms() >= expires_ms {
                    let _ = socket.close(None).await;
                    return;
                }
                if is_stalled {
                    continue;
                }
                let frames = world.lock().chats.frames_after(shown);
                shown += frames.len();
                if show(&mut socket, frames).await.is_err() {
                    return;
                }
            }
            frame = socket.next(), if !is_stalled => match frame {
                Some(Ok(Frame::Text(text))) => {
                    process.turn().await;
                    if let Ok(message) = serde_json::from_str::<Message>(text.as_str()) {
                        let mut world = world.lock();
                        world.chats.take_from_agent(&message);
                        world.trace.add(|| format!("{} sends {:?}", process.name(), message.text));
                    }
                }
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            }
        }
    }
}

async fn show(
    socket: &mut WebSocketStream<DuplexStream>,
    frames: Vec<serde_json::Value>,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    for frame in frames {
        socket.feed(Frame::text(frame.to_string())).await?;
    }
    socket.flush().await
}
