FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image has its own Node 24; the packaged one is for machines without.
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-*

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json knexfile.ts ./
COPY src ./src
COPY views ./views
COPY migrations ./migrations
COPY seeds ./seeds
RUN mkdir /data && chown node /data
USER node
VOLUME /data
EXPOSE 3001
CMD ["node", "src/main.ts"]
