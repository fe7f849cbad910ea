// SPDX-License-Identifier: Apache-2.0
// What is measured: models, data sets, recipes, artifacts, deployments.
#include "experiments/database.hpp"

#include "base/hash.hpp"

#include <cctype>

namespace nibblesmith::experiments {
namespace {

/// "GPTQ", "AWQ + GPTQ": the transforms and the rounding of a recipe.
std::string methodOf(const base::Json& recipe) {
  std::string method;
  const auto append = [&](const base::Json& choice) {
    if (!choice.is_object() || !choice.contains("use") || !choice.at("use").is_string())
      return;
    std::string name = choice.at("use").get<std::string>();
    if (name == "none")
      return;
    // Short names are initials.
    if (name.size() <= 4)
      for (char& c : name)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    method += (method.empty() ? "" : " + ") + name;
  };
  if (recipe.contains("transforms") && recipe.at("transforms").is_array())
    for (const base::Json& transform : recipe.at("transforms"))
      append(transform);
  if (recipe.contains("rounding"))
    append(recipe.at("rounding"));
  return method.empty() ? "none" : method;
}

double bitsOf(const base::Json& recipe) {
  constexpr double kDefaultBits = 4; // of every grid, where a recipe leaves it out
  if (!recipe.contains("grid") || !recipe.at("grid").is_object())
    return kDefaultBits;
  const base::Json& grid = recipe.at("grid");
  return grid.contains("bits") && grid.at("bits").is_number() ? grid.at("bits").get<double>() : kDefaultBits;
}

/// Runs an INSERT ... RETURNING id that was bound.
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
  const std::string text = recipe.dump(-1, ' ', false, base::Json::error_handler_t::replace);
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

RowId ExperimentLog::addArtifact(const ArtifactRow& row) {
  Statement statement(
      m_database->connection,
      "INSERT INTO artifacts(model, recipe, name, path, hash, format, size_bytes, created_at) "
      "VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(hash, model, coalesce(recipe, 0)) DO UPDATE SET "
      "name = excluded.name, path = excluded.path, format = excluded.format, "
      "size_bytes = excluded.size_bytes RETURNING id");
  statement.bind(row.model, row.recipe, row.name, row.path, row.hash, row.format, row.sizeBytes, utcNow());
  return insertedId(statement);
}

void ExperimentLog::renameArtifact(RowId artifact, const std::string& name) {
  Statement statement(m_database->connection,
                      "UPDATE artifacts SET given_name = nullif(?, '') WHERE id = ? RETURNING id");
  if (!statement.bind(name, artifact).step())
    m_database->throwNotFound("artifact " + std::to_string(artifact));
  statement.finish();
}

std::optional<ArtifactRow> ExperimentLog::artifact(RowId id) const {
  Statement statement(
      m_database->connection,
      "SELECT coalesce(given_name, name), path, hash, format, size_bytes, model, recipe FROM artifacts "
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

} // namespace nibblesmith::experiments
