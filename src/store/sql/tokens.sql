-- Tokens: only their SHA-256 is kept. Principals: whoever owns things.

-- name: token_find
SELECT tokens.id, tokens.hash, tokens.principal_id, tokens.scopes, tokens.last_used_ms,
       tokens.expires_ms, principals.name
FROM tokens JOIN principals ON principals.id = tokens.principal_id
WHERE tokens.hash = :hash AND tokens.revoked_ms IS NULL
      AND (tokens.expires_ms IS NULL OR tokens.expires_ms > :now);

-- name: token_lives
SELECT id FROM tokens
WHERE id = :id AND revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > :now);

-- name: token_any
-- Is there a token that still opens something?
SELECT id FROM tokens
WHERE revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > :now) LIMIT 1;

-- name: token_used
UPDATE tokens SET last_used_ms = :now
WHERE id = :id AND coalesce(last_used_ms, 0) <= :now - :every;

-- name: token_insert
INSERT INTO tokens (principal_id, name, hash, scopes, created_ms, expires_ms)
VALUES (:principal_id, :name, :hash, :scopes, :now, :expires_ms);

-- name: token_get
SELECT tokens.id, tokens.name, tokens.scopes, tokens.created_ms, tokens.expires_ms,
       tokens.revoked_ms, tokens.last_used_ms, principals.name AS owner
FROM tokens JOIN principals ON principals.id = tokens.principal_id
WHERE tokens.id = :id AND (:principal_id = 0 OR tokens.principal_id = :principal_id);

-- name: token_list
SELECT tokens.id, tokens.name, tokens.scopes, tokens.created_ms, tokens.expires_ms,
       tokens.revoked_ms, tokens.last_used_ms, principals.name AS owner
FROM tokens JOIN principals ON principals.id = tokens.principal_id
WHERE (:principal_id = 0 OR tokens.principal_id = :principal_id)
      AND (:before_id = 0 OR tokens.id < :before_id)
ORDER BY tokens.id DESC LIMIT :limit;

-- name: token_revoke
UPDATE tokens SET revoked_ms = :now WHERE id = :id AND revoked_ms IS NULL RETURNING principal_id;

-- name: principal_add
INSERT INTO principals (name, created_ms) VALUES (:name, :now) ON CONFLICT (name) DO NOTHING;

-- name: principal_find
SELECT id FROM principals WHERE name = :name;
