// SPDX-License-Identifier: Apache-2.0
// Models, data sets, recipes, artifacts and deployments in the log.
#include "experiments/database.hpp"

#include "base/hash.hpp"
#include "base/join.hpp"

#include <cctype>

namespace nibblesmith::experiments {
namespace {

/// Returns the transforms and the rounding of a recipe: "GPTQ", "AWQ + GPTQ".
std::string methodOf(const base::Json& recipe) {
  std::string method;
  const auto append = [&](const base::Json& choice) {
    if (!choice.is_object() || !choice.contains("use") || !choice.at("use").is_string())
      return;
    std::string name = choice.at("use").get<std::string>();
    if (name == "none")
      return;
    // Names of up to four letters are initialisms and become upper case.
    if (name.size() <= 4)
      for (char& c : name)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    base::appendTo(method, name, " + ");
  };
  if (recipe.contains("transforms") && recipe.at("transforms").is_array())
    for (const base::Json& transform : recipe.at("transforms"))
      append(transform);
  if (recipe.contains("rounding"))
    append(recipe.at("rounding"));
  return method.empty() ? "none" : method;
}

std::string textOf(const base::Json& json) {
  return json.dump(-1, ' ', false, base::Json::error_handler_t::replace);
}

std::map<std::string, std::string> filesFrom(const std::string& text, const std::string& origin) {
  std::map<std::string, std::string> files;
  const base::Json json = base::parseJson(text, origin);
  for (const auto& [name, digest] : json.items())
    files[name] = base::required<std::string>(json, name, origin);
  return files;
}

double bitsOf(const base::Json& recipe) {
  constexpr double kDefaultBits = 4; // bits of every grid if a recipe does not set them
  if (!recipe.contains("grid") || !recipe.at("grid").is_object())
    return kDefaultBits;
  const base::Json& grid = recipe.at("grid");
  return grid.contains("bits") && grid.at("bits").is_number() ? grid.at("bits").get<double>() : kDefaultBits;
}

/// Executes a bound INSERT ... RETURNING id statement and returns the id.
RowId insertedId(Statement& statement) {
  statement.step();
  const RowId id = statement.integer(0);
  statement.finish();
  return id;
}

} // namespace

RowId ExperimentLog::addModel(const ModelRow& row) {
  Statement statement(m_database->connection,
                      "INSERT INTO models(name, path, hash, family, parameters, size_bytes, created_at) "
                      "VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(hash) DO UPDATE SET hash = hash RETURNING id");
  statement.bind(row.name, row.path, row.hash, row.family, row.parameters, row.sizeBytes, utcNow());
  return insertedId(statement);
}

RowId ExperimentLog::addRecipe(const base::Json& recipe) {
  const std::string text = textOf(recipe);
  const std::string name = recipe.is_object() && recipe.contains("name") && recipe.at("name").is_string()
                               ? recipe.at("name").get<std::string>()
                               : "";
  Statement statement(m_database->connection,
                      "INSERT INTO recipes(name, hash, json, method, bits) VALUES(?, ?, ?, ?, ?) "
                      "ON CONFLICT(hash) DO UPDATE SET hash = hash RETURNING id");
  statement.bind(name, base::sha256(text), text, methodOf(recipe), bitsOf(recipe));
  return insertedId(statement);
}

RowId ExperimentLog::addDataset(const std::string& name, const std::string& kind, const std::string& path,
                                const std::string& hash) {
  Statement statement(
      m_database->connection,
      "INSERT INTO datasets(name, kind, path, hash) VALUES(?, ?, ?, ?) ON CONFLICT(hash, kind) "
      "DO UPDATE SET name = excluded.name, path = excluded.path RETURNING id");
  statement.bind(name, kind, path, hash);
  return insertedId(statement);
}

RowId ExperimentLog::addArtifact(const ArtifactRow& row, const std::string& formerHash) {
  Connection& connection = m_database->connection;
  Transaction transaction(connection, Transaction::Kind::Write);
  const std::string files = textOf(row.files);
  // Skips rows if a row with the new hash exists already: two rows cannot be merged.
  Statement(
      connection,
      "UPDATE OR IGNORE artifacts SET hash = ?1, files = ?2 WHERE hash = ?3 AND files = '{}' AND model = ?4 "
      "AND recipe IS ?5")
      .bind(row.hash, files, formerHash, row.model, row.recipe)
      .finish();
  Statement statement(
      connection,
      "INSERT INTO artifacts(model, recipe, name, path, hash, format, size_bytes, created_at, files) "
      "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(hash, model, coalesce(recipe, 0)) DO UPDATE SET "
      "name = excluded.name, path = excluded.path, format = excluded.format, "
      "size_bytes = excluded.size_bytes, files = excluded.files RETURNING id");
  statement.bind(row.model, row.recipe, row.name, row.path, row.hash, row.format, row.sizeBytes, utcNow(),
                 files);
  const RowId id = insertedId(statement);
  transaction.commit();
  return id;
}

std::optional<RowId> ExperimentLog::artifactOfHash(const std::string& hash) const {
  Statement statement(m_database->connection,
                      "SELECT id FROM artifacts WHERE hash = ? ORDER BY id DESC LIMIT 1");
  return statement.bind(hash).step() ? std::optional(statement.integer(0)) : std::nullopt;
}

void ExperimentLog::moveArtifact(RowId artifact, const std::string& path) {
  Statement statement(m_database->connection, "UPDATE artifacts SET path = ? WHERE id = ? RETURNING id");
  if (!statement.bind(path, artifact).step())
    m_database->throwNotFound("artifact " + std::to_string(artifact));
  statement.finish();
}

std::optional<std::string> ExperimentLog::fileDigest(const std::filesystem::path& file,
                                                     const std::string& stamp) const {
  Statement statement(m_database->connection, "SELECT sha256 FROM file_digests WHERE path = ? AND stamp = ?");
  return statement.bind(file.string(), stamp).step() ? std::optional(statement.text(0)) : std::nullopt;
}

void ExperimentLog::setFileDigest(const std::filesystem::path& file, const std::string& stamp,
                                  const std::string& sha256) {
  Statement(m_database->connection,
            "INSERT INTO file_digests(path, stamp, sha256) VALUES(?, ?, ?) "
            "ON CONFLICT(path) DO UPDATE SET stamp = excluded.stamp, sha256 = excluded.sha256")
      .bind(file.string(), stamp, sha256)
      .finish();
}

void ExperimentLog::renameArtifact(RowId artifact, const std::string& name) {
  Statement statement(m_database->connection,
                      "UPDATE artifacts SET given_name = nullif(?, '') WHERE id = ? RETURNING id");
  if (!statement.bind(name, artifact).step())
    m_database->throwNotFound("artifact " + std::to_string(artifact));
  statement.finish();
}

std::optional<ArtifactRow> ExperimentLog::artifact(RowId id) const {
  Statement statement(m_database->connection, "SELECT coalesce(given_name, name), path, hash, format, "
                                              "size_bytes, model, recipe, files FROM artifacts "
                                              "WHERE id = ?");
  if (!statement.bind(id).step())
    return std::nullopt;
  ArtifactRow row;
  row.name = statement.text(0);
  row.path = statement.text(1);
  row.hash = statement.text(2);
  row.format = statement.text(3);
  row.sizeBytes = static_cast<uint64_t>(statement.integer(4));
  row.model = statement.integer(5);
  if (!statement.isNull(6))
    row.recipe = statement.integer(6);
  row.files = filesFrom(statement.text(7), path().string() + ": files of artifact " + std::to_string(id));
  return row;
}

base::Json ExperimentLog::recipeOfArtifact(RowId artifact) const {
  Statement statement(m_database->connection,
                      "SELECT recipes.json FROM artifacts JOIN recipes ON recipes.id = artifacts.recipe "
                      "WHERE artifacts.id = ?");
  if (!statement.bind(artifact).step())
    return nullptr;
  return base::parseJson(statement.text(0),
                         path().string() + ": recipe of artifact " + std::to_string(artifact));
}

RowId ExperimentLog::addDeployment(const DeploymentRow& row) {
  Connection& connection = m_database->connection;
  Transaction transaction(connection, Transaction::Kind::Write);
  Statement statement(
      connection, "INSERT INTO deployments(artifact, device, remote_path, version, previous_version, sha256, "
                  "deployed_at) VALUES(?, ?, ?, ?, ?, ?, ?) RETURNING id");
  statement.bind(row.artifact, m_database->deviceId(row.device), row.remotePath, row.version,
                 row.previousVersion, row.sha256, utcNow());
  const RowId id = insertedId(statement);
  transaction.commit();
  return id;
}

std::vector<DeploymentRow> ExperimentLog::deployments(std::optional<RowId> artifact) const {
  Statement statement(
      m_database->connection,
      "SELECT d.id, d.artifact, devices.name, d.remote_path, d.version, d.previous_version, d.sha256, "
      "d.deployed_at FROM deployments d JOIN devices ON devices.id = d.device "
      "WHERE ?1 IS NULL OR d.artifact = ?1 ORDER BY d.id DESC");
  statement.bind(artifact);
  std::vector<DeploymentRow> rows;
  while (statement.step())
    rows.push_back({statement.integer(0), statement.integer(1), statement.text(2), statement.text(3),
                    statement.text(4), statement.text(5), statement.text(6), statement.text(7)});
  return rows;
}

RowId ExperimentLog::addExport(const ExportRow& row) {
  Statement statement(m_database->connection,
                      "INSERT INTO exports(artifact, type, path, sha256, size_bytes, exported_at) "
                      "VALUES(?, ?, ?, ?, ?, ?) RETURNING id");
  statement.bind(row.artifact, row.type, row.path, row.sha256, row.sizeBytes, utcNow());
  return insertedId(statement);
}

std::vector<ExportRow> ExperimentLog::exports(std::optional<RowId> artifact) const {
  Statement statement(m_database->connection,
                      "SELECT id, artifact, type, path, sha256, size_bytes, exported_at FROM exports "
                      "WHERE ?1 IS NULL OR artifact = ?1 ORDER BY id DESC");
  statement.bind(artifact);
  std::vector<ExportRow> rows;
  while (statement.step())
    rows.push_back({statement.integer(0), statement.integer(1), statement.text(2), statement.text(3),
                    statement.text(4), static_cast<uint64_t>(statement.integer(5)), statement.text(6)});
  return rows;
}

} // namespace nibblesmith::experiments
