"""What runs around the services: the embedded street, the sample people, the played day."""
