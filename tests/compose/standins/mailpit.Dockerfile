# Stands in for axllent/mailpit: maildev from npm, which takes letters and shows them, on Mailpit's ports. Its API is its own:
# /email where Mailpit says /api/v1/messages.
FROM palabre-standin/debian:trixie
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs && rm -rf /var/lib/apt/lists/*
COPY maildev /opt/maildev
ENV HOME=/tmp
EXPOSE 1025 8025
ENTRYPOINT ["node", "/opt/maildev/node_modules/maildev/dist/bin/maildev.js", "--smtp", "1025", "--web", "8025"]
