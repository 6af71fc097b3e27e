//! What is stored of a conversation.
