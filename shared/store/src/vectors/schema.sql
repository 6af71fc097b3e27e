-- The table of embedded chunks. {dimension} is the length of the model's vectors.
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE conversation_embeddings (
    id uuid PRIMARY KEY,
    source_system varchar(50) NOT NULL,
    conversation_id varchar(255) NOT NULL,
    chunk_index integer NOT NULL CHECK (chunk_index >= 0),
    model varchar(200) NOT NULL,
    content_hash varchar(64) NOT NULL,
    event_time timestamptz NOT NULL,
    text_content text NOT NULL,
    embedding vector({dimension}) NOT NULL,
    semantic_metadata jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (source_system, conversation_id, chunk_index)
);

CREATE INDEX conversation_embeddings_nearest ON conversation_embeddings USING hnsw (embedding vector_cosine_ops);
CREATE INDEX conversation_embeddings_metadata ON conversation_embeddings USING gin (semantic_metadata jsonb_path_ops);

-- Replaces conversations in one call, which is one transaction and one round trip. A function, since each of its
-- statements sees what was committed before it, and so the rows of a writer that held the lock; a single statement with
-- the same parts would see the table as it was before it waited.
--
-- Conversations come as parallel arrays; rows refer to them by position from 1. Gives the positions that were stored:
-- the others are older than what is there.
CREATE FUNCTION replace_conversation_embeddings(
    p_source text, p_model text,
    p_conversations text[], p_event_times timestamptz[], p_hashes text[],
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
    FROM unnest(p_conversations, p_event_times) WITH ORDINALITY AS c (conversation, event_time, position)
    WHERE NOT EXISTS (
        SELECT FROM conversation_embeddings e
        WHERE e.source_system = p_source AND e.conversation_id = c.conversation AND e.event_time > c.event_time
    );

    DELETE FROM conversation_embeddings e
    USING unnest(p_conversations) WITH ORDINALITY AS c (conversation, position)
    WHERE e.source_system = p_source AND e.conversation_id = c.conversation AND c.position = ANY (stored)
      AND e.id <> ALL (p_ids);

    INSERT INTO conversation_embeddings AS e
        (id, source_system, conversation_id, chunk_index, model, content_hash, event_time, text_content, embedding, semantic_metadata)
    SELECT r.id, p_source, p_conversations[r.position], r.chunk_index, p_model, p_hashes[r.position],
           p_event_times[r.position], r.text_content, r.embedding, r.metadata
    FROM unnest(p_ids, p_positions, p_indexes, p_texts, p_vectors, p_metadata)
        AS r (id, position, chunk_index, text_content, embedding, metadata)
    WHERE r.position = ANY (stored)
    ON CONFLICT (id) DO UPDATE SET
        model = excluded.model, content_hash = excluded.content_hash, event_time = excluded.event_time,
        text_content = excluded.text_content, embedding = excluded.embedding,
        semantic_metadata = excluded.semantic_metadata;

    RETURN QUERY SELECT unnest(stored);
END
$$;
