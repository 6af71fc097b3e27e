-- Removals that last, one winner among events of one moment, and deletion by age and by model.
--
-- A user that only searches needs, besides the right to connect:
--     GRANT SELECT ON conversation_embeddings, conversation_embeddings_schema TO the_user;

-- The name of a model may be longer, for a path or a name with an organization.
ALTER TABLE conversation_embeddings ALTER COLUMN model TYPE text;
-- The digest of the event; of two events of one moment the greater digest holds. Rows of before have none and give way.
ALTER TABLE conversation_embeddings ADD COLUMN event_digest text COLLATE "C" NOT NULL DEFAULT '';

CREATE INDEX conversation_embeddings_model ON conversation_embeddings (source_system, model);
CREATE INDEX conversation_embeddings_event_time ON conversation_embeddings (source_system, event_time);

-- Conversations that were removed, without their text: an event of before, delivered late, does not bring them back.
CREATE TABLE conversation_removals (
    source_system text NOT NULL,
    conversation_id text NOT NULL,
    event_time timestamptz NOT NULL,
    event_digest text COLLATE "C" NOT NULL,
    content_hash text NOT NULL,
    removed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_system, conversation_id)
);

-- Replaces conversations in one call, as replace_conversation_embeddings did, and keeps removals. p_removed has the positions
-- of the conversations without rows; a conversation with many rows may get the others by statements that follow in the
-- same transaction.
CREATE FUNCTION replace_conversations(
    p_source text, p_model text,
    p_conversations text[], p_event_times timestamptz[], p_digests text[], p_hashes text[], p_removed integer[],
    p_ids uuid[], p_positions integer[], p_indexes integer[], p_texts text[], p_vectors vector[], p_metadata jsonb[]
) RETURNS SETOF integer LANGUAGE plpgsql AS $$
DECLARE
    lock_key bigint;
    stored integer[];
BEGIN
    -- In one order for every writer, so that two never wait for each other.
    FOR lock_key IN
        SELECT DISTINCT hashtextextended(p_source || ' ' || conversation, 0) FROM unnest(p_conversations) AS conversation ORDER BY 1
    LOOP
        PERFORM pg_advisory_xact_lock(lock_key);
    END LOOP;

    SELECT coalesce(array_agg(c.position), '{}') INTO stored
    FROM unnest(p_conversations, p_event_times, p_digests) WITH ORDINALITY AS c (conversation, event_time, digest, position)
    WHERE NOT EXISTS (
        SELECT FROM conversation_embeddings e
        WHERE e.source_system = p_source AND e.conversation_id = c.conversation
          AND (e.event_time > c.event_time OR (e.event_time = c.event_time AND e.event_digest > c.digest COLLATE "C"))
    ) AND NOT EXISTS (
        SELECT FROM conversation_removals r
        WHERE r.source_system = p_source AND r.conversation_id = c.conversation
          AND (r.event_time > c.event_time OR (r.event_time = c.event_time AND r.event_digest > c.digest COLLATE "C"))
    );

    DELETE FROM conversation_embeddings e
    USING unnest(p_conversations) WITH ORDINALITY AS c (conversation, position)
    WHERE e.source_system = p_source AND e.conversation_id = c.conversation AND c.position = ANY (stored)
      AND e.id <> ALL (p_ids);

    DELETE FROM conversation_removals r
    USING unnest(p_conversations) WITH ORDINALITY AS c (conversation, position)
    WHERE r.source_system = p_source AND r.conversation_id = c.conversation AND c.position = ANY (stored);

    INSERT INTO conversation_removals (source_system, conversation_id, event_time, event_digest, content_hash)
    SELECT p_source, p_conversations[p], p_event_times[p], p_digests[p], p_hashes[p]
    FROM unnest(p_removed) AS p WHERE p = ANY (stored);

    INSERT INTO conversation_embeddings AS e
        (id, source_system, conversation_id, chunk_index, model, content_hash, event_time, event_digest, text_content, embedding,
         semantic_metadata)
    SELECT r.id, p_source, p_conversations[r.position], r.chunk_index, p_model, p_hashes[r.position],
           p_event_times[r.position], p_digests[r.position], r.text_content, r.embedding, r.metadata
    FROM unnest(p_ids, p_positions, p_indexes, p_texts, p_vectors, p_metadata)
        AS r (id, position, chunk_index, text_content, embedding, metadata)
    WHERE r.position = ANY (stored)
    ON CONFLICT (id) DO UPDATE SET
        model = excluded.model, content_hash = excluded.content_hash, event_time = excluded.event_time,
        event_digest = excluded.event_digest, text_content = excluded.text_content, embedding = excluded.embedding,
        semantic_metadata = excluded.semantic_metadata;

    RETURN QUERY SELECT unnest(stored);
END
$$;

-- The function of the former version, for a program that was not updated yet or was rolled back: it keeps removals too.
CREATE OR REPLACE FUNCTION replace_conversation_embeddings(
    p_source text, p_model text,
    p_conversations text[], p_event_times timestamptz[], p_hashes text[],
    p_ids uuid[], p_positions integer[], p_indexes integer[], p_texts text[], p_vectors vector[], p_metadata jsonb[]
) RETURNS SETOF integer LANGUAGE sql AS $$
    SELECT replace_conversations(
        p_source, p_model, p_conversations, p_event_times,
        array_fill(''::text, ARRAY[cardinality(p_conversations)]), p_hashes,
        ARRAY(SELECT p::integer FROM generate_subscripts(p_conversations, 1) AS p WHERE p <> ALL (p_positions)),
        p_ids, p_positions, p_indexes, p_texts, p_vectors, p_metadata)
$$;

-- Deletes a conversation and keeps events up to p_moment from bringing it back. Gives the number of deleted rows.
CREATE FUNCTION forget_conversation(p_source text, p_conversation text, p_moment timestamptz, p_digest text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    newest timestamptz;
    deleted bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_source || ' ' || p_conversation, 0));
    SELECT max(event_time) INTO newest FROM conversation_embeddings
    WHERE source_system = p_source AND conversation_id = p_conversation;
    DELETE FROM conversation_embeddings WHERE source_system = p_source AND conversation_id = p_conversation;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    INSERT INTO conversation_removals AS r (source_system, conversation_id, event_time, event_digest, content_hash)
    VALUES (p_source, p_conversation, greatest(p_moment, newest), p_digest, '')
    ON CONFLICT (source_system, conversation_id) DO UPDATE SET
        event_time = greatest(r.event_time, excluded.event_time), event_digest = excluded.event_digest,
        content_hash = '', removed_at = now();
    RETURN deleted;
END
$$;
