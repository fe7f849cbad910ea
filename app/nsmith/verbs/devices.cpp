// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"
#include "base/path_status.hpp"
#include "base/units.hpp"
#include "device_access.hpp"
#include "devices/deployment.hpp"
#include "devices/device.hpp"
#include "experiments/experiment_log.hpp"
#include "output.hpp"
#include "table.hpp"
#include "workflow/deploy.hpp"

#include <iostream>
#include <map>

#include <poll.h>
#include <unistd.h>

namespace nibblesmith::nsmith {

void addAccessOptions(QCommandLineParser& parser) {
  addOption(parser, "accept-host-key", "FINGERPRINT",
            "Trust an unknown host whose key has this SHA256 fingerprint.");
}

namespace {

void show(const devices::HostKey& key) {
  printError("\nThe host {} (port {}) is not known. Its {} key is\n  {}\n",
             {key.host, key.port, key.type, key.fingerprint});
}

/// Waits for an answer on the terminal. Polls, because a blocking read would not react to an interrupt.
bool saysYes(const std::stop_token& stop) {
  printError("Trust it? [y/N] ");
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (::poll(&input, 1, 100) <= 0)
    base::throwIfStopped(stop);
  std::string answer;
  return std::getline(std::cin, answer) && (answer == "y" || answer == "yes");
}

bool confirmHostKey(const devices::HostKey& key, const std::string& accepted, const std::stop_token& stop) {
  if (accepted == key.fingerprint)
    return true;
  show(key);
  if (!accepted.empty())
    printError("That is not the key of --accept-host-key, which is\n  {}\n", {accepted});
  else if (::isatty(STDIN_FILENO) != 0)
    return saysYes(stop);
  else
    printError("If the device shows the same one ('ssh-keygen -lf' on its host key), go on with\n"
               "  --accept-host-key {}\n",
               {key.fingerprint});
  return false;
}

} // namespace

workflow::DeviceAccess accessTo(const devices::DeviceList& list, const std::string& name,
                                const Invocation& call) {
  const std::string accepted = call.text("accept-host-key", "");
  const auto confirm = [accepted, stop = call.stop()](const devices::HostKey& key) {
    return confirmHostKey(key, accepted, stop);
  };
  return {list.device(name), list.knownHostsFile(), confirm};
}

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addOption(parser, "host", "HOST", "add: name or address.");
  addOption(parser, "port", "N", "add: port of the SSH server (22).");
  addOption(parser, "user", "USER",
            "add: who to log in as; without it, what ~/.ssh/config says, or your own name.");
  addOption(parser, "key", "FILE", "add: private key; without it, the agent and the user's own keys.");
  addOption(parser, "directory", "DIR", "add: where files go on the device (nibblesmith).");
  addAccessOptions(parser);
}

uint16_t portFrom(const Invocation& call) {
  const int64_t port = call.integer("port", 22, 1);
  if (port > 65535)
    throw UsageError("--port: expected 1 to 65535, found " + std::to_string(port));
  return static_cast<uint16_t>(port);
}

/// Returns an absolute path, which is independent of the directory of later calls.
std::filesystem::path keyFileFrom(const Invocation& call) {
  if (!call.has("key"))
    return {};
  const std::filesystem::path file = base::absolutePath(call.text("key"));
  if (!base::isRegularFile(file))
    throw base::Error(base::ErrorCode::NotFound,
                      "--key: expected a private key, found no file '" + file.string() + "'");
  return file;
}

void put(devices::DeviceList& list, const Invocation& call) {
  devices::Device device;
  device.name = call.positional(1, "NAME");
  device.host = call.text("host");
  device.port = portFrom(call);
  device.user = call.text("user", "");
  device.keyFile = keyFileFrom(call);
  device.directory = call.text("directory", device.directory);
  list.put(device);
}

base::Json probeOne(const devices::DeviceList& list, const Invocation& call) {
  const devices::Probe probe =
      workflow::probeDevice(accessTo(list, call.positional(1, "NAME"), call), call.stop());
  if (!call.json())
    print("{}, {}, {} cores of {}, {} memory, {} free{}{}\n",
          {probe.machine, probe.kernel, probe.cores, probe.cpu, base::formatBytes(probe.memoryBytes),
           base::formatBytes(probe.freeDiskBytes), probe.governor.empty() ? "" : ", governor ",
           probe.governor});
  return {
      {"machine", probe.machine},  {"kernel", probe.kernel},           {"cpu", probe.cpu},
      {"cores", probe.cores},      {"memoryBytes", probe.memoryBytes}, {"freeDiskBytes", probe.freeDiskBytes},
      {"governor", probe.governor}};
}

/// Returns the newest deployment to each device.
std::map<std::string, base::Json> deployed(const std::filesystem::path& path, const std::stop_token& stop) {
  std::map<std::string, base::Json> newest;
  if (!base::fileExists(path))
    return newest;
  const experiments::ExperimentLog log(path, stop);
  for (const experiments::DeploymentRow& row : log.deployments()) {
    const auto artifact = log.artifact(row.artifact);
    newest.try_emplace(row.device, base::Json{{"artifact", artifact ? artifact->name : ""},
                                              {"version", row.version},
                                              {"previous", row.previousVersion},
                                              {"sha256", row.sha256},
                                              {"deployedAt", row.deployedAt}});
  }
  return newest;
}

base::Json listAll(const devices::DeviceList& list, const Invocation& call) {
  const std::map<std::string, base::Json> versions = deployed(call.services().log, call.stop());
  Table table({"device", "host", "port", "user", "key", "artifact", "version"});
  base::Json json = base::Json::array();
  for (const devices::Device& device : list.devices()) {
    const auto found = versions.find(device.name);
    const base::Json known = found == versions.end() ? base::Json() : found->second;
    table.add({device.name, device.host, std::to_string(device.port), device.user, device.keyFile.string(),
               known.is_null() ? "" : known["artifact"].get<std::string>(),
               known.is_null() ? "" : known["version"].get<std::string>()});
    json.push_back({{"name", device.name},
                    {"host", device.host},
                    {"port", device.port},
                    {"user", device.user},
                    {"keyFile", device.keyFile.string()},
                    {"directory", device.directory},
                    {"deployed", known}});
  }
  if (!call.json() && list.devices().empty())
    print("No devices yet: 'nsmith devices add NAME --host HOST --user USER'.\n");
  else if (!call.json())
    print(table);
  return json;
}

base::Json run(const Invocation& call) {
  devices::DeviceList list(devices::defaultDeviceListPath());
  const std::string action = call.positionals() > 0 ? call.positional(0, "ACTION") : "list";
  if (action == "probe")
    return probeOne(list, call);
  if (action == "add")
    put(list, call);
  else if (action == "remove")
    list.remove(call.positional(1, "NAME"));
  else if (action != "list")
    throw UsageError("expected list, add, remove or probe, found '" + action + "'");
  return listAll(list, call);
}

} // namespace

const Verb kDevices = {"devices", "[list | add NAME | remove NAME | probe NAME]",
                       "Manage the boards that can be deployed to.", addOptions, run};

} // namespace nibblesmith::nsmith
