# The service and nothing else: no compiler, no development dependency, no root. Data and keys live in the volume /data.
FROM node:24-bookworm-slim AS install
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings its own Node; the packages that bring one for `npm ci && npm start` are left out.
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-* node_modules/.bin/node && npm cache clean --force
# OP-10: what is inside, for whoever asks.
COPY .ci/sbom.ts .ci/
RUN npm run --silent sbom > sbom.json

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data && chmod 700 /data
COPY --from=install /app/node_modules ./node_modules
COPY --from=install /app/sbom.json ./
COPY package.json ./
COPY migrations ./migrations
COPY views ./views
COPY src ./src
RUN ln -s /app/src/cli/castellan.ts /usr/local/bin/castellan
USER node
VOLUME /data
EXPOSE 3001
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=20s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 3001}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
