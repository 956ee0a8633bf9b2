# Stands in for python:3.13-slim: the same Debian and the same Python, where no registry can be asked.
FROM palabre-standin/debian:trixie
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 python3-venv tzdata netbase \
 && python3 -c "import glob, zipfile; zipfile.ZipFile(glob.glob('/usr/share/python-wheels/pip-*.whl')[0]).extractall('/usr/local/lib/python3.13/dist-packages')" \
 && ln -s /usr/bin/python3 /usr/local/bin/python && ln -s /usr/bin/python3 /usr/local/bin/python3 \
 && rm -rf /var/lib/apt/lists/* /usr/share/python-wheels/setuptools*
ENV LANG=C.UTF-8 PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
CMD ["python3"]
