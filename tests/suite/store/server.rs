//! Debian's PostgreSQL on a free port with a folder of its own, one for all tests of this program; each case has a database of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokentap::inventory::{Address, DatabaseServer, Postgres, Role};

/// A server, which ends with the test.
pub struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
    pub port: u16,
    child: Option<Child>,
    /// The settings beside the usual ones.
    settings: Vec<String>,
}

/// A certificate of the server's, by an authority of its own.
pub struct Certificate {
    /// The name that it is for.
    pub name: &'static str,
    /// The days from now until it ends.
    pub days: i64,
}

impl Server {
    /// Makes one and starts it.
    pub fn start() -> Self {
        let versions = std::fs::read_dir("/usr/lib/postgresql").expect("scripts/prepare --tests installs PostgreSQL");
        let programs = versions.map(|version| version.unwrap().path().join("bin")).max().unwrap();
        let mut server = Self::in_new_folder(programs);
        let data = server.data();
        let made = server.run(
            "initdb",
            &["-D", &data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"],
        );
        assert!(made.status.success(), "{made:?}");
        server.certify(&Certificate { name: "127.0.0.1", days: 30 });
        server.resume();
        server
    }

    /// A folder of the server's own and a free port, with nothing in it yet.
    fn in_new_folder(programs: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let owned = Command::new("chown").arg("postgres").arg(folder.path()).status();
        assert!(!is_root() || owned.unwrap().success());
        Self { folder, programs, port, child: None, settings: Vec::new() }
    }

    /// Gives it a certificate; it has to start anew.
    pub fn certify(&self, certificate: &Certificate) {
        use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
        use time::{Duration, OffsetDateTime};

        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![certificate.name.to_owned()]).unwrap();
        params.not_before = OffsetDateTime::now_utc() - Duration::days(60);
        params.not_after = OffsetDateTime::now_utc() + Duration::days(certificate.days);
        let own = params.signed_by(&key, &authority).unwrap();
        for (name, content) in [("server.pem", own.pem()), ("server.key", key.serialize_pem())] {
            std::fs::write(self.files().join(name), content).unwrap();
        }
        std::fs::write(self.authority(), authority.pem()).unwrap();
        let key = self.files().join("server.key").display().to_string();
        assert!(Command::new("chmod").args(["600", &key]).status().unwrap().success());
        if is_root() {
            assert!(Command::new("chown").args(["-R", "postgres", &self.data()]).status().unwrap().success());
        }
    }

    /// The certificate of its authority.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Settings for its next start, as `NAME=VALUE`.
    pub fn set(&mut self, settings: &[&str]) {
        self.settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// PostgreSQL's own programs do not run as root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        command.current_dir(Path::new("/")).stdin(Stdio::null());
        command
    }

    /// Runs one of PostgreSQL's own programs.
    pub fn run(&self, program: &str, args: &[&str]) -> Output {
        self.command(program).args(args).output().unwrap()
    }

    /// Starts it, or starts it again.
    pub fn resume(&mut self) {
        let port = self.port.to_string();
        let sockets = self.folder.path().display().to_string();
        let mut command = self.command("postgres");
        command.args(["-D", &self.data(), "-p", &port, "-k", &sockets, "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "ssl=on", "-c", "ssl_cert_file=server.pem", "-c", "ssl_key_file=server.key"]);
        command.args(self.settings.iter().flat_map(|setting| ["-c", setting]));
        self.child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let began = Instant::now();
        while !self.run("pg_isready", &["-q", "-h", "127.0.0.1", "-p", &port]).status.success() {
            assert!(began.elapsed() < Duration::from_secs(60), "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Makes a replica of it, which follows it and only reads; it is started.
    pub fn replica(&self) -> Self {
        let mut replica = Self::in_new_folder(self.programs.clone());
        let from = self.port.to_string();
        let copied = self.run(
            "pg_basebackup",
            &["-D", &replica.data(), "-R", "-h", "127.0.0.1", "-p", &from, "-U", "postgres", "-c", "fast", "--no-sync"],
        );
        assert!(copied.status.success(), "{copied:?}");
        std::fs::copy(self.authority(), replica.authority()).unwrap();
        replica.resume();
        replica
    }

    /// Makes a replica the server.
    pub fn promote(&self) {
        let promoted = self.run("pg_ctl", &["promote", "-w", "-D", &self.data()]);
        assert!(promoted.status.success(), "{promoted:?}");
    }

    /// Stops all of its processes where they are, or lets them go on: it takes connections, and says nothing.
    pub fn mute(&self, is_mute: bool) {
        // Whoever is there already, and nobody new, because the first one starts the others.
        assert!(self.signal(if is_mute { "-STOP" } else { "-CONT" }), "kill and pkill");
    }

    /// Sends a signal to all of its processes; whether it got there.
    fn signal(&self, signal: &str) -> bool {
        let Ok(id) = std::fs::read_to_string(Path::new(&self.data()).join("postmaster.pid")) else { return false };
        let id = id.lines().next().unwrap_or_default().to_owned();
        let first = Command::new("kill").args([signal, &id]).stderr(Stdio::null()).status();
        let others = Command::new("pkill").args([signal, "-P", &id]).status();
        first.is_ok_and(|it| it.success()) && others.is_ok_and(|it| it.success())
    }

    /// Kills it, as a power failure does.
    pub fn kill(&mut self) {
        let data = self.data();
        let id = std::fs::read_to_string(Path::new(&data).join("postmaster.pid")).unwrap();
        let id = id.lines().next().unwrap().to_owned();
        assert!(Command::new("kill").args(["-9", &id]).status().unwrap().success());
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
        // Its helpers end by themselves, and hold the memory until then.
        std::thread::sleep(Duration::from_millis(300));
    }

    /// The address of somebody on it.
    pub fn address(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// A connection as its administrator.
    pub fn administrator(&self) -> DatabaseServer {
        DatabaseServer::connect(parsed(&self.address("postgres", "postgres"))).unwrap()
    }

    /// Makes an inventory, and a desk and a viewer that are named after it; its name.
    pub fn inventory(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("inventory{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut server = self.administrator();
        drop(server.make(&name).unwrap());
        for (user, role) in [(format!("{name}_front"), Role::Desk), (format!("{name}_boss"), Role::Viewer)] {
            let password = server.password().unwrap();
            server.add_user(&name, &user, role, &password).unwrap();
        }
        name
    }

    /// The address of a desk of a new inventory: it has a desk's rights, and no more.
    pub fn database(&self) -> String {
        let name = self.inventory();
        self.address(&format!("{name}_front"), &name)
    }

    /// What SQL says to somebody, or the error.
    pub fn sql(&self, user: &str, database: &str, sql: &str) -> Result<String, String> {
        let address = self.address(user, database);
        let ended = self.run("psql", &["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, &address]);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
        if ended.status.success() { Ok(text(ended.stdout)) } else { Err(text(ended.stderr)) }
    }

    /// The folder of its files.
    pub fn files(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that a failed test has left mute.
        self.signal("-CONT");
        let _ = self.run("pg_ctl", &["stop", "-D", &self.data(), "-m", "immediate"]);
        if let Some(mut child) = self.child.take() {
            // One that did not stop is not waited for.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// An address that is one.
pub fn parsed(address: &str) -> Address {
    Address::parse(address, None, false).unwrap()
}

/// The server that all tests share.
pub fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Server::start();
        stop_at_exit(&server);
        server
    })
}

/// The address of a desk of a new inventory on the server that all tests share.
pub fn new_database() -> String {
    shared().database()
}

/// What is never dropped is ended by a watcher that outlives this program.
fn stop_at_exit(server: &Server) {
    let own = std::process::id();
    let folder = server.folder.path().display().to_string();
    let wait = format!(
        "while kill -0 {own} 2>/dev/null; do sleep 0.5; done; kill -QUIT $(head -n 1 {folder}/data/postmaster.pid); sleep 1; rm -rf {folder}"
    );
    let mut watcher = Command::new("setsid");
    watcher.args(["sh", "-c", &wait]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    drop(watcher.spawn().unwrap());
}

/// A new inventory on a server, to one of its desks.
pub fn new_inventory() -> Postgres {
    Postgres::open(parsed(&new_database())).unwrap()
}

/// A new inventory on a server, to its owner.
pub fn new_inventory_to_its_owner() -> Postgres {
    Postgres::open(parsed(&shared().address("postgres", &shared().inventory()))).unwrap()
}
