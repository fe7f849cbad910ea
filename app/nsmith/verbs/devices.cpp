// SPDX-License-Identifier: Apache-2.0
#include "device_access.hpp"
#include "base/units.hpp"
#include "table.hpp"

#include <cstdio>
#include <iostream>

#include <unistd.h>

namespace nibblesmith::nsmith {

void addAccessOptions(QCommandLineParser& parser) {
  addOption(parser, "accept-host-key", "FINGERPRINT", "Trust an unknown host whose key has this SHA256 fingerprint.");
}

workflow::DeviceAccess accessTo(const devices::DeviceList& list, const std::string& name, const Invocation& call) {
  const std::string accepted = call.text("accept-host-key", "");
  const auto confirm = [accepted](const devices::HostKey& key) {
    if (!accepted.empty())
      return accepted == key.fingerprint;
    std::fprintf(stderr, "\nThe host %s (port %u) is not known. Its %s key is\n  %s\n", key.host.c_str(), key.port,
                 key.type.c_str(), key.fingerprint.c_str());
    if (::isatty(STDIN_FILENO) == 0)
      return false;
    std::fputs("Trust it? [y/N] ", stderr);
    std::string answer;
    return std::getline(std::cin, answer) && (answer == "y" || answer == "yes");
  };
  return {list.device(name), list.knownHostsFile(), confirm};
}

namespace {

void addOptions(QCommandLineParser& parser, const workflow::Services&) {
  addOption(parser, "host", "HOST", "add: name or address.");
  addOption(parser, "port", "N", "add: port of the SSH server (22).");
  addOption(parser, "user", "USER", "add: who to log in as.");
  addOption(parser, "key", "FILE", "add: private key; without it, the agent and the user's own keys.");
  addOption(parser, "directory", "DIR", "add: where files go on the device (nibblesmith).");
  addAccessOptions(parser);
}

void put(devices::DeviceList& list, const Invocation& call) {
  devices::Device device;
  device.name = call.positional(1, "NAME");
  device.host = call.text("host");
  device.port = static_cast<uint16_t>(std::min<int64_t>(65535, call.integer("port", 22, 1)));
  device.user = call.text("user");
  device.keyFile = call.text("key", "");
  device.directory = call.text("directory", device.directory);
  list.put(device);
}

base::Json probeOne(const devices::DeviceList& list, const Invocation& call) {
  const devices::Probe probe =
      workflow::probeDevice(accessTo(list, call.positional(1, "NAME"), call), call.stop());
  if (!call.json())
    std::printf("%s, %s, %d cores of %s, %s memory, %s free%s%s\n", probe.machine.c_str(), probe.kernel.c_str(),
                probe.cores, probe.cpu.c_str(), base::formatBytes(probe.memoryBytes).c_str(),
                base::formatBytes(probe.freeDiskBytes).c_str(), probe.governor.empty() ? "" : ", governor ",
                probe.governor.c_str());
  return {{"machine", probe.machine}, {"kernel", probe.kernel},           {"cpu", probe.cpu},
          {"cores", probe.cores},     {"memoryBytes", probe.memoryBytes}, {"freeDiskBytes", probe.freeDiskBytes},
          {"governor", probe.governor}};
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
  Table table({"device", "host", "port", "user", "key"});
  base::Json json = base::Json::array();
  for (const devices::Device& device : list.devices()) {
    table.add({device.name, device.host, std::to_string(device.port), device.user, device.keyFile.string()});
    json.push_back({{"name", device.name}, {"host", device.host}, {"port", device.port}, {"user", device.user},
                    {"keyFile", device.keyFile.string()}, {"directory", device.directory}});
  }
  if (!call.json())
    std::printf("%s", list.devices().empty() ? "No devices yet: 'nsmith devices add NAME --host HOST --user USER'.\n"
                                             : table.text().c_str());
  return json;
}

} // namespace

const Verb kDevices = {"devices", "[list | add NAME | remove NAME | probe NAME]", "Manage the boards that can be deployed to.",
                       addOptions, run};

} // namespace nibblesmith::nsmith
