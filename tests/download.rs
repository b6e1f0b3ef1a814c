//! Downloads from servers on the loopback interface that answer well, badly, slowly, or not at all.
#![cfg(feature = "download")]

use chainrule::download::{Archive, Content, Download};
use chainrule::{Attempt, Dataset, Error, FileProblem};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

// ---- A server ----

type Answer = dyn Fn(&str, &mut TcpStream) -> io::Result<()> + Send + Sync;

/// Answers the one request of each connection in a separate thread, and records the requested paths.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
}

impl Server {
    fn new(answer: impl Fn(&str, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let answer: Arc<Answer> = Arc::new(answer);
        let (asked, ended) = (requests.clone(), over.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let (mut stream, answer, asked) = (stream.unwrap(), answer.clone(), asked.clone());
                thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
                    let mut request = Vec::new();
                    let mut byte = [0];
                    while !request.ends_with(b"\r\n\r\n") {
                        match stream.read(&mut byte) {
                            Ok(1) => request.push(byte[0]),
                            _ => return,
                        }
                    }
                    let request = String::from_utf8(request).unwrap();
                    let path = request.split(' ').nth(1).unwrap().to_string();
                    asked.lock().unwrap().push(path.clone());
                    // The client may hang up.
                    let _ = answer(&path, &mut stream);
                });
            }
        });
        Server { address, requests, over }
    }

    /// Serves these files, and 404 for everything else.
    fn of(files: &[(&str, Vec<u8>)]) -> Self {
        let files: Vec<_> = files.iter().map(|(name, body)| (format!("/data/{name}"), body.clone())).collect();
        Server::new(move |path, stream| match files.iter().find(|(name, _)| name == path) {
            Some((_, body)) => whole(stream, body),
            None => write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        })
    }

    fn url(&self) -> String {
        format!("http://{}/data/", self.address)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn whole(stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    announce(stream, body.len())?;
    stream.write_all(body)
}

/// The head of an answer with this length.
fn announce(stream: &mut TcpStream, length: usize) -> io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
}

/// The head of an answer that lasts until the connection is closed.
fn announce_open_end(stream: &mut TcpStream) -> io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
}

/// An address without a server.
fn nobody() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}/data", listener.local_addr().unwrap())
}

// ---- Data ----

/// Incompressible bytes.
fn noise(n: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..n).map(|_| next()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn content(name: &str, bytes: &[u8]) -> Content {
    Content::new(name, bytes.len() as u64, sha256(bytes))
}

/// A set of single files, each under its name and `.gz`.
fn set(files: &[(&str, &[u8])]) -> Download<'static> {
    let archive =
        |&(name, bytes): &(&str, &[u8])| Archive { name: format!("{name}.gz"), files: vec![content(name, bytes)] };
    Download::new("test", files.iter().map(archive)).timeout(Duration::from_secs(60))
}

/// An empty folder for one test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("chainrule-download-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The error of the only mirror; also checks that no file is left behind.
fn only_problem(download: Download<'_>, folder: &Folder) -> FileProblem {
    match download.folder(&folder.0).fetch() {
        Err(Error::Download { attempts, .. }) => {
            assert_eq!(attempts.len(), 1, "{attempts:?}");
            assert_eq!(folder.names(), [""; 0]);
            attempts[0].problem.clone()
        }
        other => panic!("expected an error of the only mirror, found {other:?}"),
    }
}

// ---- Good answers ----

#[test]
fn good_answers_are_unpacked_verified_and_read() {
    let images = |n: u8| [vec![0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 1, 0, 0, 0, 2], noise(2 * usize::from(n), 1)].concat();
    let labels = |n: u8| [vec![0, 0, 8, 1, 0, 0, 0, n], (0..n).collect()].concat();
    let files = [
        ("train-images-idx3-ubyte", images(9)),
        ("train-labels-idx1-ubyte", labels(9)),
        ("t10k-images-idx3-ubyte", images(4)),
        ("t10k-labels-idx1-ubyte", labels(4)),
    ];
    let packed: Vec<_> = files.iter().map(|(name, bytes)| (format!("{name}.gz"), gzip(bytes))).collect();
    let served: Vec<_> = packed.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let server = Server::of(&served);
    let home = Folder::new();
    let folder = home.0.join("not/there/yet");

    let mut reports = Vec::new();
    let contents: Vec<_> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let got = set(&contents)
        .folder(&folder)
        .mirrors([server.url()])
        .on_progress(|p| reports.push((p.file.to_string(), p.from.to_string(), p.bytes, p.total)))
        .fetch()
        .unwrap();

    assert_eq!(got, folder);
    for (name, bytes) in &files {
        assert_eq!(&fs::read(folder.join(name)).unwrap(), bytes, "{name}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
    let train = Dataset::<f32>::mnist_train(&folder).unwrap();
    let test = Dataset::<f32>::mnist_test(&folder).unwrap();
    assert_eq!((train.len(), train.num_inputs(), test.len()), (9, 2, 4));

    for (name, bytes) in &packed {
        let of_file: Vec<_> = reports.iter().filter(|(file, ..)| file == name).collect();
        let total = Some(bytes.len() as u64);
        assert_eq!(of_file[0].2, 0);
        assert!(of_file.iter().all(|report| report.3 == total), "{of_file:?}");
        assert!(of_file.windows(2).all(|pair| pair[0].2 < pair[1].2), "{of_file:?}");
        assert_eq!(of_file.last().unwrap().2, bytes.len() as u64);
        assert!(of_file.iter().all(|(_, from, _, _)| *from == format!("{}{name}", server.url())));
    }
}

#[test]
fn what_is_there_and_right_is_not_fetched_and_what_is_wrong_is() {
    let (one, two) = (noise(5000, 1), noise(7000, 2));
    let server = Server::of(&[("one.gz", gzip(&one)), ("two.gz", gzip(&two))]);
    let folder = Folder::new();
    let fetch = || set(&[("one", &one), ("two", &two)]).folder(&folder.0).mirrors([server.url()]).fetch().unwrap();

    fetch();
    assert_eq!(server.requests(), ["/data/one.gz", "/data/two.gz"]);
    fetch();
    assert_eq!(server.requests().len(), 2);

    // One byte differs, with the same size.
    let mut wrong = two.clone();
    wrong[6999] ^= 1;
    fs::write(folder.0.join("two"), &wrong).unwrap();
    fetch();
    assert_eq!(server.requests()[2..], ["/data/two.gz"]);
    assert_eq!(folder.read("two"), two);

    fs::write(folder.0.join("one"), &one[..4999]).unwrap();
    fetch();
    assert_eq!(server.requests()[3..], ["/data/one.gz"]);
    assert_eq!(folder.read("one"), one);

    // This needs no mirror and reports nothing.
    let silent = set(&[("one", &one), ("two", &two)]).folder(&folder.0).on_progress(|p| panic!("{p:?}"));
    assert_eq!(silent.mirrors([nobody()]).fetch().unwrap(), folder.0);
}

#[test]
fn a_server_may_unpack_on_the_way_or_pack_in_pieces() {
    let data = noise(200_000, 3);
    let plain = Server::of(&[("one.gz", data.clone())]);
    let folder = Folder::new();
    set(&[("one", &data)]).folder(&folder.0).mirrors([plain.url()]).fetch().unwrap();
    assert_eq!(folder.read("one"), data);

    // Two gzip members, in HTTP chunks, without a total length.
    let members = [gzip(&data[..70_000]), gzip(&data[70_000..])].concat();
    let chunked = Server::new(move |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")?;
        for piece in members.chunks(999) {
            write!(stream, "{:x}\r\n", piece.len())?;
            stream.write_all(piece)?;
            write!(stream, "\r\n")?;
        }
        write!(stream, "0\r\n\r\n")
    });
    let folder = Folder::new();
    let mut totals = Vec::new();
    let download = set(&[("one", &data)]).folder(&folder.0).mirrors([chunked.url()]);
    download.on_progress(|p| totals.push(p.total)).fetch().unwrap();
    assert_eq!(folder.read("one"), data);
    assert!(totals.iter().all(Option::is_none));
}

#[test]
fn redirects_are_followed_but_not_for_ever() {
    let data = noise(3000, 4);
    let target = Server::of(&[("one.gz", gzip(&data))]);
    let to = target.url();
    let server = Server::new(move |_, stream| {
        write!(stream, "HTTP/1.1 302 Found\r\nLocation: {to}one.gz\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    });
    let folder = Folder::new();
    set(&[("one", &data)]).folder(&folder.0).mirrors([server.url()]).fetch().unwrap();
    assert_eq!(folder.read("one"), data);

    let round = Server::new(|path, stream| {
        write!(stream, "HTTP/1.1 302 Found\r\nLocation: {path}x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    });
    let problem = only_problem(set(&[("one", &data)]).mirrors([round.url()]), &Folder::new());
    assert!(matches!(problem, FileProblem::Http { .. }), "{problem:?}");
    assert!(round.requests().len() <= 10);
}

// ---- Bad answers ----

#[test]
fn a_status_that_is_not_ok_is_refused() {
    for status in ["404 Not Found", "500 Internal Server Error", "206 Partial Content", "204 No Content"] {
        let data = noise(3000, 5);
        let body = gzip(&data);
        let server = Server::new(move |_, stream| {
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
            stream.write_all(&body)
        });
        let problem = only_problem(set(&[("one", &data)]).mirrors([server.url()]), &Folder::new());
        assert!(matches!(problem, FileProblem::Http { .. }), "{problem:?}");
        assert_eq!(problem.to_string(), format!("http status: {}", &status[..3]));
    }
}

#[test]
fn a_truncated_answer_is_refused() {
    let data = noise(300_000, 6);
    let packed = gzip(&data);
    let download = |server: &Server| set(&[("one", &data)]).mirrors([server.url()]);

    // The connection ends before the announced length.
    let body = packed.clone();
    let server = Server::new(move |_, stream| {
        announce(stream, body.len())?;
        stream.write_all(&body[..body.len() / 2])
    });
    let problem = only_problem(download(&server), &Folder::new());
    assert!(matches!(problem, FileProblem::Io { kind: ErrorKind::UnexpectedEof, .. }), "{problem:?}");

    // The announced length arrives, but ends within the gzip stream.
    let server = Server::of(&[("one.gz", packed[..packed.len() / 2].to_vec())]);
    let problem = only_problem(download(&server), &Folder::new());
    assert!(matches!(problem, FileProblem::Truncated { expected: 300_000, found: 1.. }), "{problem:?}");

    // A complete stream with too few bytes.
    let server = Server::of(&[("one.gz", gzip(&data[..299_999]))]);
    let problem = only_problem(download(&server), &Folder::new());
    assert_eq!(problem, FileProblem::Truncated { expected: 300_000, found: 299_999 });

    // Nothing.
    let server = Server::of(&[("one.gz", Vec::new())]);
    assert_eq!(only_problem(download(&server), &Folder::new()), FileProblem::Truncated { expected: 300_000, found: 0 });
}

#[test]
fn wrong_contents_are_refused() {
    let data = noise(100_000, 7);
    let mut wrong = data.clone();
    wrong[50_000] ^= 0x10;
    let server = Server::of(&[("one.gz", gzip(&wrong))]);
    let problem = only_problem(set(&[("one", &data)]).mirrors([server.url()]), &Folder::new());
    assert_eq!(problem, FileProblem::Checksum { expected: sha256(&data), found: sha256(&wrong) });

    let mut broken = gzip(&data);
    broken[10] = 0xff;
    let server = Server::of(&[("one.gz", broken)]);
    let problem = only_problem(set(&[("one", &data)]).mirrors([server.url()]), &Folder::new());
    assert!(matches!(problem, FileProblem::Gzip { .. }), "{problem:?}");

    // A captive portal's page.
    let server = Server::of(&[("one.gz", b"<html>Please pay first</html>".to_vec())]);
    let problem = only_problem(set(&[("one", &data)]).mirrors([server.url()]), &Folder::new());
    assert_eq!(problem, FileProblem::Truncated { expected: 100_000, found: 29 });
}

/// Sends `start`, then repeats `piece` until the client hangs up or 64 MB are sent; counts the bytes.
fn endless(start: Vec<u8>, piece: Vec<u8>, sent: Arc<AtomicU64>) -> Server {
    Server::new(move |_, stream| {
        announce_open_end(stream)?;
        stream.write_all(&start)?;
        while sent.load(Ordering::SeqCst) < 64_000_000 {
            stream.write_all(&piece)?;
            sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
        }
        Ok(())
    })
}

#[test]
fn an_oversized_answer_is_dropped() {
    let data = noise(100_000, 8);
    // Sockets buffer some megabytes.
    let allowed = 16_000_000;
    let fetch = |server: &Server, folder: &Folder| {
        let start = Instant::now();
        let problem = only_problem(set(&[("one", &data)]).mirrors([server.url()]), folder);
        assert!(start.elapsed() < Duration::from_secs(20));
        problem
    };

    // One byte too many.
    let long = [data.clone(), vec![0]].concat();
    let server = Server::of(&[("one.gz", gzip(&long))]);
    assert_eq!(fetch(&server, &Folder::new()), FileProblem::Trailing { expected: 100_000 });

    // Endless after unpacking.
    let sent = Arc::new(AtomicU64::new(0));
    let server = endless(Vec::new(), noise(65_536, 9), sent.clone());
    assert_eq!(fetch(&server, &Folder::new()), FileProblem::Trailing { expected: 100_000 });
    assert!(sent.load(Ordering::SeqCst) < allowed);

    // A gzip bomb of a gigabyte: never writes more than the file's size.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..1024 {
        bomb.write_all(&[0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let folder = Folder::new();
    let largest = Arc::new(AtomicU64::new(0));
    let (path, over) = (folder.0.clone(), Arc::new(AtomicBool::new(false)));
    let watch = thread::spawn({
        let (largest, over) = (largest.clone(), over.clone());
        move || {
            while !over.load(Ordering::SeqCst) {
                let sizes = fs::read_dir(&path).unwrap().flatten().flat_map(|entry| entry.metadata()).map(|m| m.len());
                largest.fetch_max(sizes.max().unwrap_or(0), Ordering::SeqCst);
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    let server = Server::of(&[("one.gz", bomb[..1_000_000].to_vec())]);
    assert_eq!(fetch(&server, &folder), FileProblem::Trailing { expected: 100_000 });
    over.store(true, Ordering::SeqCst);
    watch.join().unwrap();
    assert!(largest.load(Ordering::SeqCst) <= 100_000);

    // Streams that never reach the contents: an endless file name, endless empty blocks.
    let name = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255];
    let blocks = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for (start, piece) in [(name, vec![b'x'; 65_536]), (blocks, [0, 0, 0, 255, 255].repeat(10_000))] {
        let sent = Arc::new(AtomicU64::new(0));
        let server = endless(start, piece, sent.clone());
        let problem = fetch(&server, &Folder::new());
        assert!(matches!(problem, FileProblem::Http { .. } | FileProblem::Gzip { .. }), "{problem:?}");
        assert!(sent.load(Ordering::SeqCst) < allowed);
    }

    // Too large by its announced length: not read at all.
    let server = Server::new(|_, stream| {
        announce(stream, 3_000_000_000)?;
        thread::sleep(Duration::from_millis(500));
        Ok(())
    });
    let mut begun = false;
    let download = set(&[("one", &data)]).mirrors([server.url()]).on_progress(|_| begun = true);
    let problem = only_problem(download, &Folder::new());
    // 100,000 bytes plus a mebibyte, plus a thousandth for what deflate cannot compress.
    assert_eq!(problem.to_string(), "expected at most 1149724 bytes, more were sent or announced");
    assert!(!begun);
}

// ---- Slow answers ----

#[test]
fn a_server_that_stalls_is_given_up() {
    let data = noise(1_000_000, 10);
    let packed = gzip(&data);
    let timeout = Duration::from_millis(300);
    let half = packed.clone();
    let servers = [
        // Before it answers.
        Server::new(|_, _| {
            thread::sleep(Duration::from_secs(30));
            Ok(())
        }),
        // Within the head, one byte at a time.
        Server::new(|_, stream| {
            for byte in "HTTP/1.1 200 OK\r\nX-Long: ".bytes().chain([b'x'; 500]) {
                stream.write_all(&[byte])?;
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }),
        // After half of the file.
        Server::new(move |_, stream| {
            announce(stream, half.len())?;
            stream.write_all(&half[..half.len() / 2])?;
            thread::sleep(Duration::from_secs(30));
            Ok(())
        }),
        // Slow until the end.
        Server::new(move |_, stream| {
            announce(stream, packed.len())?;
            for piece in packed.chunks(100).take(500) {
                stream.write_all(piece)?;
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }),
    ];
    for (i, server) in servers.iter().enumerate() {
        let start = Instant::now();
        let problem = only_problem(set(&[("one", &data)]).timeout(timeout).mirrors([server.url()]), &Folder::new());
        assert_eq!(problem, FileProblem::Stalled { within: timeout }, "server {i}");
        assert_eq!(problem.to_string(), "no answer, or too little of it, within 300ms", "server {i}");
        assert!(start.elapsed() < Duration::from_secs(20), "server {i}: {:?}", start.elapsed());
    }
}

#[test]
fn a_server_that_is_slow_but_steady_is_not() {
    let data = noise(1_000_000, 11);
    let packed = gzip(&data);
    let server = Server::new(move |_, stream| {
        announce(stream, packed.len())?;
        for piece in packed.chunks(50_000) {
            stream.write_all(piece)?;
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    });
    let timeout = Duration::from_millis(1500);
    sooner_or_later(|folder| {
        let start = Instant::now();
        set(&[("one", &data)]).timeout(timeout).mirrors([server.url()]).folder(&folder.0).fetch()?;
        assert!(start.elapsed() > timeout);
        assert_eq!(folder.read("one"), data);
        Ok(())
    });
}

/// For checks that must be in time: one success in ten tries is enough, because the machine may be busy.
fn sooner_or_later(fetch: impl Fn(&Folder) -> chainrule::Result<()>) {
    let errors: Vec<_> = (0..10).map_while(|_| fetch(&Folder::new()).err()).collect();
    assert!(errors.len() < 10, "{errors:?}");
}

#[test]
fn the_time_that_the_caller_takes_is_not_the_servers() {
    // Fewer bytes than a server may spend a whole timeout on.
    let data = noise(40_000, 12);
    let server = Server::of(&[("one.gz", gzip(&data))]);
    sooner_or_later(|folder| {
        let mut calls = 0;
        let pause = |_: &chainrule::download::Progress<'_>| {
            calls += 1;
            thread::sleep(Duration::from_millis(if calls < 4 { 900 } else { 0 }));
        };
        let download = set(&[("one", &data)]).timeout(Duration::from_millis(800)).mirrors([server.url()]);
        download.on_progress(pause).folder(&folder.0).fetch()?;
        assert_eq!(folder.read("one"), data);
        Ok(())
    });
}

// ---- Mirrors ----

#[test]
fn the_next_mirror_serves_where_one_fails_and_goes_on_serving() {
    let (one, two, three) = (noise(200_000, 13), noise(200_000, 14), noise(10, 15));
    let files: [(&str, &[u8]); 3] = [("one", &one), ("two", &two), ("three", &three)];
    let mut wrong = one.clone();
    wrong[0] ^= 1;
    let half = gzip(&one);
    let bad = [
        Server::of(&[]),
        Server::new(|_, _| Ok(())),
        Server::new(move |_, stream| {
            announce(stream, half.len())?;
            stream.write_all(&half[..half.len() / 2])
        }),
        Server::of(&[("one.gz", gzip(&wrong))]),
    ];
    // The last mirror lacks a file that the first has.
    let good = Server::of(&[("one.gz", gzip(&one)), ("two.gz", gzip(&two))]);
    let rest = Server::of(&[("three.gz", gzip(&three))]);
    let mut mirrors: Vec<_> = vec![rest.url(), nobody()];
    mirrors.extend(bad.iter().map(Server::url));
    mirrors.push(good.url());

    let folder = Folder::new();
    set(&files).folder(&folder.0).mirrors(mirrors).fetch().unwrap();
    for (name, bytes) in files {
        assert_eq!(folder.read(name), bytes);
    }
    assert_eq!(folder.names(), ["one", "three", "two"]);
    assert!(bad.iter().all(|server| server.requests() == ["/data/one.gz"]));
    assert_eq!(good.requests(), ["/data/one.gz", "/data/two.gz", "/data/three.gz"]);
    assert_eq!(rest.requests(), ["/data/one.gz", "/data/three.gz"]);
}

#[test]
fn without_any_mirror_the_error_says_what_to_do() {
    let (one, two, three) = (noise(1000, 16), noise(1000, 17), noise(1000, 18));
    let folder = Folder::new();
    fs::write(folder.0.join("one"), &one).unwrap();
    let (dead, empty) = (nobody(), Server::of(&[]));
    let download = set(&[("one", &one), ("two", &two), ("three", &three)]);
    let error = download.folder(&folder.0).mirrors([dead.clone(), empty.url()]).fetch().unwrap_err();

    let Error::Download { files, archives, folder: place, attempts } = &error else { panic!("{error:?}") };
    assert_eq!(files, &["two", "three"]);
    assert_eq!(archives, &["two.gz", "three.gz"]);
    assert_eq!(place, &folder.0);
    let [Attempt { from: first, problem: refused }, Attempt { from: second, problem: status }] = attempts.as_slice()
    else {
        panic!("{attempts:?}")
    };
    assert_eq!((first, second), (&format!("{dead}/two.gz"), &format!("{}two.gz", empty.url())));
    assert!(matches!(refused, FileProblem::Io { kind: ErrorKind::ConnectionRefused, .. }), "{refused:?}");
    assert_eq!(status, &FileProblem::Http { message: "http status: 404".into() });

    // The text for a refused connection comes from the system.
    let by_hand =
        |archives| format!("put the files into {}, unpacked or as they are published: {archives}", place.display());
    assert_eq!(
        error.to_string(),
        format!(
            "could not get two, three: tried {first} ({refused}), {second} (http status: 404). Without a network, {}",
            by_hand("two.gz, three.gz")
        )
    );
    let error = set(&[("two", &two)]).folder(&folder.0).fetch().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("could not get two: no mirrors configured. Without a network, {}", by_hand("two.gz"))
    );
}

#[test]
fn an_address_that_is_none_is_a_problem_of_that_mirror() {
    let data = noise(10, 19);
    for mirror in ["", "not an address", "ftp://127.0.0.1/", "http://127.0.0.1:99999/", "/etc"] {
        let problem = only_problem(set(&[("one", &data)]).mirrors([mirror]), &Folder::new());
        assert!(matches!(problem, FileProblem::Http { .. } | FileProblem::Io { .. }), "{mirror}: {problem:?}");
    }
}

// ---- Files put there by hand ----

#[test]
fn an_archive_in_the_folder_is_used_without_a_network() {
    let (one, two) = (noise(1000, 20), noise(1000, 21));
    let folder = Folder::new();
    fs::write(folder.0.join("one.gz"), gzip(&one)).unwrap();
    fs::write(folder.0.join("two.gz"), gzip(&one)).unwrap();
    let server = Server::of(&[("two.gz", gzip(&two))]);
    let download = || set(&[("one", &one), ("two", &two)]).folder(&folder.0);

    // One of the two is correct.
    let Err(Error::Download { files, attempts, .. }) = download().mirrors([nobody()]).fetch() else { panic!() };
    assert_eq!(files, ["two"]);
    assert_eq!(attempts[0].from, folder.0.join("two.gz").display().to_string());
    assert_eq!(attempts[0].problem, FileProblem::Checksum { expected: sha256(&two), found: sha256(&one) });
    assert_eq!(attempts.len(), 2);
    assert_eq!(folder.read("one"), one);

    download().mirrors([server.url()]).fetch().unwrap();
    assert_eq!(server.requests(), ["/data/two.gz"]);
    assert_eq!(folder.read("two"), two);
    assert_eq!(folder.names(), ["one", "one.gz", "two", "two.gz"]);
}

/// The checksums of MNIST match its published files. Needs them in `$MNIST_DIR`, like the examples.
#[test]
fn the_published_files_of_mnist_pass() {
    let Some(published) = std::env::var_os("MNIST_DIR").map(PathBuf::from) else { return };
    let folder = Folder::new();
    for name in
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    {
        for name in [name.to_string(), format!("{name}.gz")] {
            if published.join(&name).is_file() {
                fs::copy(published.join(&name), folder.0.join(&name)).unwrap();
            }
        }
    }
    let mirrors: [String; 0] = [];
    Download::mnist().folder(&folder.0).mirrors(mirrors.clone()).fetch().unwrap();
    assert_eq!(Dataset::<f32>::mnist_train(&folder.0).unwrap().len(), 60_000);
    // Fashion-MNIST has the same names and sizes, but other contents.
    let error = Download::fashion_mnist().folder(&folder.0).mirrors(mirrors).fetch().unwrap_err();
    assert!(matches!(error, Error::Download { .. }), "{error}");
}

// ---- Archives of several files ----

/// A tar archive of these entries: path, type, contents.
fn tar_of(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, kind, bytes) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(*kind);
        if kind.is_symlink() {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

const FILE: tar::EntryType = tar::EntryType::Regular;

fn batches(files: &[(&str, &[u8])]) -> Download<'static> {
    let files = files.iter().map(|(name, bytes)| content(name, bytes)).collect();
    Download::new("test", [Archive { name: "set-binary.tar.gz".into(), files }]).timeout(Duration::from_secs(60))
}

#[test]
fn the_files_are_picked_out_of_a_tar_archive() {
    let (a, b) = (noise(3073 * 20, 22), noise(3073 * 10, 23));
    let directory = tar::EntryType::Directory;
    let archive = gzip(&tar_of(&[
        ("set/", directory, b""),
        ("set/a.bin/", directory, b""),
        ("set/._a.bin", FILE, b"resource fork"),
        ("PaxHeader/a.bin", tar::EntryType::XHeader, b"20 path=other/x.bin\n"),
        ("set/a.bin", FILE, &a),
        ("set/read-me.txt", FILE, b"read me"),
        ("set/b.bin", tar::EntryType::Symlink, b""),
        ("../../b.bin", FILE, &b),
        ("set/last.bin", FILE, b"last"),
    ]));
    let served = [("set-binary.tar.gz", archive)];
    let server = Server::of(&served);
    let folder = Folder::new();
    let inner = folder.0.join("in/side");
    batches(&[("b.bin", &b), ("a.bin", &a)]).folder(&inner).mirrors([server.url()]).fetch().unwrap();
    assert_eq!(
        (fs::read(inner.join("a.bin")).unwrap(), fs::read(inner.join("b.bin")).unwrap()),
        (a.clone(), b.clone())
    );
    assert_eq!(fs::read_dir(&inner).unwrap().count(), 2);
    assert_eq!(folder.names(), ["in"]);

    // Writes only missing files again.
    let before = fs::metadata(inner.join("a.bin")).unwrap().modified().unwrap();
    fs::remove_file(inner.join("b.bin")).unwrap();
    thread::sleep(Duration::from_millis(20));
    batches(&[("b.bin", &b), ("a.bin", &a)]).folder(&inner).mirrors([server.url()]).fetch().unwrap();
    assert_eq!(fs::metadata(inner.join("a.bin")).unwrap().modified().unwrap(), before);
    assert_eq!(fs::read(inner.join("b.bin")).unwrap(), b);

    // By hand.
    fs::remove_file(inner.join("a.bin")).unwrap();
    fs::write(inner.join("set-binary.tar.gz"), &served[0].1).unwrap();
    batches(&[("b.bin", &b), ("a.bin", &a)]).folder(&inner).fetch().unwrap();
    assert_eq!(fs::read(inner.join("a.bin")).unwrap(), a);
}

#[test]
fn a_bad_tar_archive_is_refused_and_its_good_files_stay() {
    let (a, b) = (noise(30_730, 24), noise(30_730, 25));
    let set = [("a.bin", a.as_slice()), ("b.bin", b.as_slice())];
    let bad = |bytes: &[u8]| {
        let server = Server::of(&[("set-binary.tar.gz", gzip(bytes))]);
        let folder = Folder::new();
        let error = batches(&set).folder(&folder.0).mirrors([server.url()]).fetch().unwrap_err();
        let Error::Download { attempts, files, .. } = error else { panic!("{error:?}") };
        (attempts[0].problem.clone(), files, folder.names())
    };
    let found = |problem, files: &[&str], there: &[&str]| {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        (problem, owned(files), owned(there))
    };

    let lacks = tar_of(&[("set/a.bin", FILE, &a), ("set/c.bin", FILE, &b)]);
    let problem = FileProblem::NotInArchive { expected: "b.bin".into() };
    assert_eq!(problem.to_string(), "expected b.bin in the archive, found no such file");
    assert_eq!(bad(&lacks), found(problem, &["b.bin"], &["a.bin"]));

    let short = tar_of(&[("set/a.bin", FILE, &a), ("set/b.bin", FILE, &b[..30_729])]);
    let problem = FileProblem::Truncated { expected: 30_730, found: 30_729 };
    assert_eq!(bad(&short), found(problem, &["b.bin"], &["a.bin"]));

    let long = tar_of(&[("set/a.bin", FILE, &[&a[..], &[0]].concat()), ("set/b.bin", FILE, &b)]);
    let problem = FileProblem::Trailing { expected: 30_730 };
    assert_eq!(bad(&long), found(problem, &["a.bin", "b.bin"], &[]));

    let whole = tar_of(&[("set/a.bin", FILE, &a), ("set/b.bin", FILE, &b)]);
    let (problem, files, there) = bad(&whole[..40_000]);
    assert!(matches!(problem, FileProblem::Truncated { expected: 30_730, .. }), "{problem:?}");
    assert_eq!((files, there), (vec!["b.bin".to_string()], vec!["a.bin".to_string()]));

    let (problem, files, _) = bad(&noise(100_000, 26));
    assert!(matches!(problem, FileProblem::Io { .. }), "{problem:?}");
    assert_eq!(files.len(), 2);

    // A name, or a skipped entry, of gigabytes: keeps none of it, and does not read all of it.
    for kind in [tar::EntryType::GNULongName, FILE] {
        let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
        let mut header = tar::Header::new_ustar();
        header.set_path("big").unwrap();
        header.set_size(1 << 34);
        header.set_entry_type(kind);
        header.set_cksum();
        bomb.write_all(header.as_bytes()).unwrap();
        for _ in 0..256 {
            bomb.write_all(&[b'x'; 1 << 20]).unwrap();
        }
        let server = Server::of(&[("set-binary.tar.gz", bomb.finish().unwrap()[..1_100_000].to_vec())]);
        let problem = only_problem(batches(&set).mirrors([server.url()]), &Folder::new());
        assert!(matches!(problem, FileProblem::Io { .. }), "{problem:?}");
    }

    // The next mirror has the rest.
    let (first, second) =
        (Server::of(&[("set-binary.tar.gz", gzip(&lacks))]), Server::of(&[("set-binary.tar.gz", gzip(&whole))]));
    let folder = Folder::new();
    batches(&set).folder(&folder.0).mirrors([first.url(), second.url()]).fetch().unwrap();
    assert_eq!((folder.read("a.bin"), folder.read("b.bin")), (a, b));
}

// ---- Processes, and folders that cannot be written ----

/// The child processes of these tests run this: the address of a server, the folder, and the contents of `one.gz`.
#[test]
fn child() {
    let Ok(seed) = std::env::var("DOWNLOAD_TEST_SEED") else { return };
    let data = noise(500_000, seed.parse().unwrap());
    let mut download = set(&[("one", &data)]);
    if let Ok(url) = std::env::var("DOWNLOAD_TEST_URL") {
        download = download.mirrors(url.split(' '));
    }
    if let Ok(folder) = std::env::var("DOWNLOAD_TEST_FOLDER") {
        download = download.folder(folder);
    }
    match download.fetch() {
        Ok(folder) => println!("\nFETCHED {}", folder.display()),
        Err(Error::File { file, problem: FileProblem::Io { kind, .. } }) => {
            println!("\nREFUSED {kind:?} {}", file.display());
        }
        Err(error) => println!("\nFAILED {error}"),
    }
}

fn spawn(seed: u64, url: &str, folder: Option<&Path>, change: impl FnOnce(&mut Command)) -> Child {
    spawn_by(Command::new(std::env::current_exe().unwrap()), seed, url, folder, change)
}

fn spawn_by(
    mut command: Command,
    seed: u64,
    url: &str,
    folder: Option<&Path>,
    change: impl FnOnce(&mut Command),
) -> Child {
    command.args(["child", "--exact", "--nocapture", "--test-threads=1"]);
    command.env("DOWNLOAD_TEST_SEED", seed.to_string()).env("DOWNLOAD_TEST_URL", url);
    if let Some(folder) = folder {
        command.env("DOWNLOAD_TEST_FOLDER", folder);
    }
    change(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The line that a child wrote.
fn said(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| ["FETCHED", "REFUSED", "FAILED"].iter().any(|word| line.starts_with(word)));
    line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr))).to_string()
}

/// Sends half at once, and the rest on a signal.
fn in_halves(data: &[u8], go_on: Arc<AtomicBool>) -> Server {
    let packed = gzip(data);
    Server::new(move |_, stream| {
        announce(stream, packed.len())?;
        let (half, rest) = packed.split_at(packed.len() / 2);
        stream.write_all(half)?;
        for _ in 0..3000 {
            if go_on.load(Ordering::SeqCst) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        stream.write_all(rest)
    })
}

/// Waits until a condition holds, for half a minute at most.
fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain");
}

#[test]
fn several_processes_and_threads_may_fetch_into_one_folder() {
    let data = noise(500_000, 30);
    let go_on = Arc::new(AtomicBool::new(false));
    let server = in_halves(&data, go_on.clone());
    let folder = Folder::new();
    let children: Vec<_> = (0..2).map(|_| spawn(30, &server.url(), Some(&folder.0), |_| {})).collect();
    let (path, url) = (folder.0.clone(), server.url());
    thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| set(&[("one", &data)]).folder(&path).mirrors([url.clone()]).fetch().unwrap()))
            .collect();
        // All four write at the same time, each under a different name.
        until(|| server.requests().len() == 4 && folder.names().len() == 4);
        assert!(!folder.names().contains(&"one".to_string()));
        go_on.store(true, Ordering::SeqCst);
        for thread in threads {
            assert_eq!(thread.join().unwrap(), path);
        }
    });
    for child in children {
        assert_eq!(said(child), format!("FETCHED {}", folder.0.display()));
    }
    assert_eq!(folder.names(), ["one"]);
    assert_eq!(folder.read("one"), data);
}

#[test]
fn a_run_that_was_killed_leaves_nothing_that_the_next_would_trust() {
    let data = noise(500_000, 31);
    let stuck = in_halves(&data, Arc::new(AtomicBool::new(false)));
    let folder = Folder::new();
    let mut child = spawn(31, &stuck.url(), Some(&folder.0), |_| {});
    // A part of it is on disk.
    until(|| {
        let sizes = fs::read_dir(&folder.0).unwrap().flatten().flat_map(|entry| entry.metadata()).map(|m| m.len());
        sizes.sum::<u64>() > 100_000
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let left = folder.names();
    assert!(left.len() == 1 && left[0].starts_with("one.") && left[0].ends_with(".part"), "{left:?}");

    let server = Server::of(&[("one.gz", gzip(&data))]);
    set(&[("one", &data)]).folder(&folder.0).mirrors([server.url()]).fetch().unwrap();
    assert_eq!(server.requests().len(), 1);
    assert_eq!(folder.read("one"), data);
    // The rest may belong to a process that is still running.
    assert_eq!(folder.names(), ["one".to_string(), left[0].clone()]);
}

#[test]
fn what_killed_runs_left_is_removed_a_day_later() {
    let data = noise(1000, 32);
    let folder = Folder::new();
    let age = |name: &str, hours: u64| {
        let file = fs::File::create(folder.0.join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(3600 * hours)).unwrap();
    };
    let others = ["my.part", "one.bak.part", "one.notes", "onex.1-0.part", "two.1-0.part"];
    for name in others {
        age(name, 100);
    }
    age("one.1-0.part", 25);
    age("one.123-45.part", 1000);
    age("one.2-0.part", 23);
    // Even one with this process's number, which it had before.
    for number in 0..1000 {
        age(&format!("one.{}-{number}.part", std::process::id()), 1);
    }
    let server = Server::of(&[("one.gz", gzip(&data))]);
    set(&[("one", &data)]).folder(&folder.0).mirrors([server.url()]).fetch().unwrap();
    assert_eq!(folder.read("one"), data);
    let mut left = folder.names();
    left.retain(|name| !name.starts_with(&format!("one.{}-", std::process::id())));
    let kept = ["my.part", "one", "one.2-0.part", "one.bak.part", "one.notes", "onex.1-0.part", "two.1-0.part"];
    assert_eq!(left, kept);

    // Also by a run that has nothing to fetch.
    age("one.3-0.part", 25);
    set(&[("one", &data)]).folder(&folder.0).fetch().unwrap();
    assert!(!folder.names().contains(&"one.3-0.part".to_string()));
}

#[test]
fn a_folder_that_cannot_be_is_no_mirrors_fault() {
    let data = noise(1000, 33);
    let server = Server::of(&[("one.gz", gzip(&data))]);
    let home = Folder::new();
    let file = home.0.join("file");
    fs::write(&file, "a file").unwrap();
    for folder in [file.join("below"), file.clone()] {
        let error = set(&[("one", &data)]).folder(&folder).mirrors([server.url()]).fetch().unwrap_err();
        let Error::File { file: named, problem: FileProblem::Io { .. } } = &error else { panic!("{error:?}") };
        assert_eq!(named, &folder);
    }
    assert_eq!(server.requests(), [""; 0]);

    // A folder has the file's name.
    let place = home.0.join("one");
    fs::create_dir_all(place.join("inside")).unwrap();
    let mirrors = [server.url(), server.url()];
    let error = set(&[("one", &data)]).folder(&home.0).mirrors(mirrors).fetch().unwrap_err();
    let Error::File { file: named, problem: FileProblem::Io { .. } } = &error else { panic!("{error:?}") };
    assert_eq!(named, &place);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(home.names(), ["file", "one"]);
}

/// At most 64 KiB per file, like a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_is_no_mirrors_fault() {
    let data = noise(500_000, 34);
    let server = Server::of(&[("one.gz", gzip(&data))]);
    let folder = Folder::new();
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    let urls = format!("{0} {0}", server.url());
    let child = spawn_by(shell, 34, &urls, Some(&folder.0), |_| {});
    assert_eq!(said(child), format!("REFUSED FileTooLarge {}", folder.0.join("one").display()));
    assert_eq!(server.requests().len(), 1);
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn the_default_folder_is_in_the_users_cache_or_where_the_environment_says() {
    let data = noise(500_000, 35);
    let server = Server::of(&[("one.gz", gzip(&data))]);
    let home = Folder::new();
    let folder_with = |variables: &[(&str, &Path)]| {
        let child = spawn(35, &server.url(), None, |command| {
            for name in ["CHAINRULE_DATA", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"] {
                command.env_remove(name);
            }
            command.envs(variables.iter().copied());
        });
        said(child)
    };
    let (data_folder, cache) = (home.0.join("data"), home.0.join("cache"));
    let fetched = |path: PathBuf| format!("FETCHED {}", path.display());
    let all = [("CHAINRULE_DATA", data_folder.as_path()), ("XDG_CACHE_HOME", &cache), ("HOME", &home.0)];
    assert_eq!(folder_with(&all), fetched(data_folder.join("test")));
    if cfg!(target_os = "linux") {
        assert_eq!(folder_with(&all[1..]), fetched(cache.join("chainrule/test")));
        assert_eq!(folder_with(&all[2..]), fetched(home.0.join(".cache/chainrule/test")));
        let odd = [("CHAINRULE_DATA", Path::new("")), ("XDG_CACHE_HOME", Path::new("relative")), all[2]];
        assert_eq!(folder_with(&odd), fetched(home.0.join(".cache/chainrule/test")));
    }
    let text = "FAILED folder for the data ($CHAINRULE_DATA and $HOME are not set: set one, or call .folder): expected at least one, found none";
    assert_eq!(folder_with(&[]), text);
}

// ---- What is asked for ----

#[test]
fn what_is_asked_for_is_checked_first() {
    let good = || Archive { name: "one.gz".into(), files: vec![content("one", b"x")] };
    let folder = Folder::new();
    let refused_in = |name: &str, archive: Archive, text: &str| {
        let error = Download::new(name, [archive]).folder(&folder.0).mirrors([nobody()]).fetch().unwrap_err();
        assert!(
            matches!(&error, Error::File { problem: FileProblem::Io { kind: ErrorKind::InvalidInput, .. }, .. }),
            "{error:?}"
        );
        assert_eq!(error.to_string(), text);
    };
    let refused = |archive: Archive, text: &str| refused_in("test", archive, text);
    for name in ["", ".", "..", "../one", "/etc/one", "a/one", "a\\one", "C:one"] {
        let text = format!("{name}: expected a file name without a folder");
        refused_in(name, good(), &text);
        refused(Archive { name: name.into(), ..good() }, &text);
        refused(Archive { files: vec![content(name, b"x")], ..good() }, &text);
    }
    for sum in ["", "12", &"g".repeat(64), &"0".repeat(65)] {
        let text = "one: expected a SHA-256 of 64 hexadecimal digits";
        refused(Archive { files: vec![Content::new("one", 1, sum)], ..good() }, text);
    }
    let text = "one.gz: expected one file, or the name of a tar archive";
    refused(Archive { files: vec![content("one", b"x"), content("two", b"x")], ..good() }, text);
    refused(Archive { files: vec![], ..good() }, text);

    let error = Download::new("test", [good()]).timeout(Duration::ZERO).folder(&folder.0).fetch().unwrap_err();
    assert_eq!(error.to_string(), "timeout: expected more than 0, found 0");
    // Upper-case digits are allowed.
    let mut large = good();
    large.files[0].sha256.make_ascii_uppercase();
    fs::write(folder.0.join("one"), b"x").unwrap();
    Download::new("test", [large]).folder(&folder.0).fetch().unwrap();
}

#[test]
fn the_sets_are_well_formed_and_each_has_several_mirrors() {
    for (download, size) in
        [(Download::mnist(), 54_950_048), (Download::fashion_mnist(), 54_950_048), (Download::cifar10(), 184_380_000)]
    {
        let words = format!("{download:?}");
        assert!(words.matches("http").count() >= 3, "{words}");
        let sizes = words.split("size: ").skip(1).map(|rest| rest.split(',').next().unwrap().parse::<u64>().unwrap());
        assert_eq!(sizes.sum::<u64>(), size);
        // A malformed checksum or name would be refused first.
        let folder = Folder::new();
        let mirrors: [String; 0] = [];
        let error = download.folder(&folder.0).mirrors(mirrors).fetch().unwrap_err();
        assert!(matches!(error, Error::Download { .. }), "{error:?}");
    }
}
