# Stands in for ghcr.io/shopify/toxiproxy: a small proxy of our own that knows the part of its HTTP API we use. Not the real one.
FROM python:3.13-slim
COPY toxiproxy.py /toxiproxy.py
EXPOSE 8474
ENTRYPOINT ["python3", "/toxiproxy.py"]
CMD ["-host=0.0.0.0"]
