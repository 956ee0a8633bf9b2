"""docker-compose.yml for real: built, started, lived in, killed, healed and taken down."""
