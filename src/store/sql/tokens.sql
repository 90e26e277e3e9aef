-- Tokens: only their SHA-256 is kept.

-- name: token_find
SELECT tokens.principal_id, tokens.scopes, principals.name
FROM tokens JOIN principals ON principals.id = tokens.principal_id
WHERE tokens.hash = :hash AND tokens.revoked_ms IS NULL
      AND (tokens.expires_ms IS NULL OR tokens.expires_ms > :now);
