"""The local Kafka broker and the creation of topics."""
