// SPDX-License-Identifier: Apache-2.0
#include "devices/deployment_lock.hpp"

#include "base/error.hpp"
#include "base/file_lock.hpp"
#include "base/foreign_text.hpp"
#include "base/json.hpp"
#include "base/process_identity.hpp"
#include "base/random_id.hpp"
#include "base/units.hpp"
#include "devices/remote_shell.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <thread>

namespace nibblesmith::devices {

namespace {

using Clock = std::chrono::steady_clock;

/// Maximum number of attempts to take over a lock; other programs may be faster each time.
constexpr int kMostTakeOvers = 5;

/// Shell functions; $id is this program's id. beat writes "<id> <boot> <uptime in seconds>". unlock removes
/// the files of the lock one by one by name and keeps other files in its directory.
constexpr std::string_view kFunctions = R"sh(
lock=.nibblesmith-lock
now() {
  nib_up=0; nib_boot=none
  read -r nib_up nib_rest 2>/dev/null < /proc/uptime
  read -r nib_boot 2>/dev/null < /proc/sys/kernel/random/boot_id
  echo "$1 $nib_boot ${nib_up%%.*}"
}
beat() { now "$id" > $lock/beat; }
holds() { read -r nib_holder nib_rest 2>/dev/null < $lock/id && [ "$nib_holder" = "$id" ]; }
unlock() {
  for nib_file in holder beat manifest current previous id; do
    [ -d "$1/$nib_file" ] && [ ! -L "$1/$nib_file" ] || rm -f "$1/$nib_file"
  done
  rmdir "$1" 2>/dev/null
}
)sh";

constexpr std::string_view kAcquire = R"sh(
[ ! -L $lock ] || { echo "'$lock' is a symbolic link: expected a directory; move it away" >&2; exit 1; }
if mkdir $lock 2>/dev/null; then
  echo "$id" > $lock/id && printf '%s\n' "$holder" > $lock/holder && beat || { unlock $lock; exit 1; }
  echo '@@acquired'
elif [ -d $lock ]; then
  nib_beat=; nib_holder=
  for nib_try in 1 2 3; do # it may be written right now
    read -r nib_beat 2>/dev/null < $lock/beat
    [ -z "$nib_beat" ] || break
  done
  read -r nib_holder 2>/dev/null < $lock/holder
  echo "@@now=$(now none)"; echo "@@beat=$nib_beat"; echo "@@holder=$nib_holder"
else
  mkdir $lock
fi
)sh";

/// Takes over only the lock that was seen: another program may have been faster.
constexpr std::string_view kTakeOver = R"sh(
nib_beat=
read -r nib_beat 2>/dev/null < $lock/beat
[ "$nib_beat" = "$seen" ] || exit 0
mv $lock "$lock.$id" || exit 0
unlock "$lock.$id" || echo "@@kept=$lock.$id"
exit 0
)sh";

/// Heartbeat in the lock: "<id> <boot> <uptime in seconds>".
struct Beat {
  std::string boot;
  int64_t upSeconds = 0;
};

std::optional<Beat> parseBeat(const std::string& text) {
  std::istringstream fields(text);
  std::string id;
  Beat beat;
  if (!(fields >> id >> beat.boot >> beat.upSeconds))
    return std::nullopt;
  return beat;
}

int64_t wholeSeconds(std::chrono::milliseconds time) {
  return std::max<int64_t>(1, std::chrono::ceil<std::chrono::seconds>(time).count());
}

} // namespace

/// State of the lock, as printed by the device.
struct DeploymentLock::State {
  bool acquired = false;
  std::string now, beat, holder;

  /// Returns the age of the last heartbeat in the device's own time; nullopt if it cannot be determined.
  std::optional<int64_t> ageSeconds() const {
    const auto is = parseBeat(now), was = parseBeat(beat);
    return is && was && is->boot == was->boot ? std::optional(is->upSeconds - was->upSeconds) : std::nullopt;
  }
  bool deviceRebooted() const {
    const auto is = parseBeat(now), was = parseBeat(beat);
    return is && was && is->boot != was->boot;
  }
  base::Json holderJson() const {
    try {
      base::Json json = base::parseJson(holder, "lock");
      return json.is_object() ? json : base::Json::object();
    } catch (const base::Error&) {
      return base::Json::object();
    }
  }
  /// True if the holder is a process of this host that has certainly ended.
  bool processEnded() const {
    try {
      const base::Json json = holderJson();
      return json.contains("pid") && base::hasEnded({base::required<std::string>(json, "host", "lock"),
                                                     base::required<std::string>(json, "boot", "lock"),
                                                     base::required<int64_t>(json, "pid", "lock"),
                                                     base::required<int64_t>(json, "startTime", "lock")});
    } catch (const base::Error&) {
      return false;
    }
  }
  std::string text() const {
    const base::Json json = holderJson();
    std::string text = json.contains("holder") && json.at("holder").is_string()
                           ? base::foreignText(json.at("holder").get<std::string>(), 400)
                           : "another program";
    if (const auto age = ageSeconds())
      text += ", last sign of life " + std::to_string(*age) + " s ago";
    return text;
  }
};

DeploymentLock::DeploymentLock(SshSession& session, std::string directory, const std::string& what,
                               const std::stop_token& stop, base::Progress& progress)
    : m_session(session), m_directory(std::move(directory)), m_id(base::randomId()) {
  const base::ProcessIdentity process = base::thisProcess();
  m_holder = base::Json{{"holder", base::describeHolder(what)},
                        {"host", process.host},
                        {"boot", process.boot},
                        {"pid", process.pid},
                        {"startTime", process.startTime}}
                 .dump(-1, ' ', true, base::Json::error_handler_t::replace);
  const SessionLimits& limits = session.limits();
  std::optional<State> seen;
  Clock::time_point since;
  int takenOver = 0;
  while (true) {
    State state = ask(stop);
    if (state.acquired)
      return;
    if (seen && state.beat != seen->beat)
      refuse(state);
    if (!seen)
      since = Clock::now();
    const auto age = state.ageSeconds();
    if (state.processEnded() || state.deviceRebooted() || (age && *age > wholeSeconds(limits.staleAfter)) ||
        Clock::now() - since > limits.staleAfter) {
      if (++takenOver > kMostTakeOvers)
        refuse(state);
      takeOver(state, stop);
      seen.reset();
      continue;
    }
    progress.report(0, "waiting for " + state.text());
    seen = std::move(state);
    for (const auto until = Clock::now() + limits.heartbeatInterval / 5; Clock::now() < until;) {
      base::throwIfStopped(stop);
      std::this_thread::sleep_for(
          std::min<std::chrono::milliseconds>(limits.heartbeatInterval / 5, std::chrono::milliseconds(100)));
    }
  }
}

DeploymentLock::~DeploymentLock() {
  try {
    if (m_session.isConnected())
      runScript(m_session, script("unlock $lock"), {}, {}, {m_session.limits().answer, {}});
  } catch (const std::exception&) {
    // The lock stays; other programs take it over when its heartbeat is stale.
  }
}

DeploymentLock::State DeploymentLock::ask(const std::stop_token& stop) const {
  const std::string text = "cd " + shellQuote(m_directory) + " || exit 1\nid=" + m_id +
                           "\nholder=" + shellQuote(m_holder) + std::string(kFunctions) +
                           std::string(kAcquire);
  std::istringstream lines(runScriptOrThrow(m_session, text, "lock '" + m_directory + "'", stop));
  State state;
  const auto take = [](const std::string& line, std::string_view key, std::string& value) {
    if (line.starts_with(key))
      value = line.substr(key.size());
  };
  for (std::string line; std::getline(lines, line);) {
    state.acquired |= line == "@@acquired";
    take(line, "@@now=", state.now);
    take(line, "@@beat=", state.beat);
    take(line, "@@holder=", state.holder);
  }
  return state;
}

void DeploymentLock::takeOver(const State& state, const std::stop_token& stop) {
  const std::string text = "cd " + shellQuote(m_directory) + " || exit 1\nid=" + m_id +
                           "\nseen=" + shellQuote(state.beat) + std::string(kFunctions) +
                           std::string(kTakeOver);
  std::istringstream lines(
      runScriptOrThrow(m_session, text, "take over the lock of '" + m_directory + "'", stop));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("@@kept="))
      m_kept.push_back(base::foreignText(line.substr(line.find('=') + 1)));
}

void DeploymentLock::refuse(const State& state) const {
  throw base::Error(
      base::ErrorCode::Io,
      "'" + m_directory + "' on the device is in use by " + state.text() +
          ": wait until that has ended, then try again (without a heartbeat for " +
          base::formatDuration(std::chrono::duration<double>(m_session.limits().staleAfter).count()) +
          " it is taken over)");
}

std::string DeploymentLock::script(const std::string& body, std::chrono::milliseconds beats) const {
  std::string text = "cd " + shellQuote(m_directory) + " || exit 1\nid=" + m_id + std::string(kFunctions) +
                     "holds || { echo \"another program took over the lock, as there was no sign of life of "
                     "this one; try again\" >&2; exit 75; }\nbeat\n";
  if (beats.count() > 0) {
    const int64_t pause = wholeSeconds(m_session.limits().heartbeatInterval);
    text += "( n=0; while [ $n -lt " + std::to_string(wholeSeconds(beats) / pause + 1) +
            " ] && kill -0 $$; do sleep " + std::to_string(pause) +
            "; holds && beat; n=$((n + 1)); done ) </dev/null >/dev/null 2>&1 &\n"
            "nib_beater=$!\ntrap 'kill $nib_beater 2>/dev/null' EXIT\n";
  }
  return text + body;
}

std::string DeploymentLock::run(const std::string& body, const std::string& action,
                                const std::stop_token& stop) const {
  return runScriptOrThrow(m_session, script(body), action, stop);
}

std::string DeploymentLock::runLong(const std::string& body, const std::string& action, uint64_t bytes,
                                    const std::stop_token& stop) const {
  const std::chrono::milliseconds limit = m_session.limits().work(bytes);
  return runScriptOrThrow(m_session, script(body, limit), action, stop, limit);
}

void HeartbeatProgress::report(double fraction, std::string_view stage) {
  m_parent.report(fraction, stage);
  if (Clock::now() - m_last < m_lock.session().limits().heartbeatInterval)
    return;
  m_lock.run("", "go on with the upload", m_stop);
  m_last = Clock::now();
}

} // namespace nibblesmith::devices
