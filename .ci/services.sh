# Starts PostgreSQL and Redis from Debian's packages when nothing answers on their default ports. Sourced by .ci/run.
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

install_services() {
  local packages=()
  command -v redis-server >/dev/null || packages+=(redis-server)
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages+=(postgresql)
  command -v chromium >/dev/null || packages+=(chromium fonts-noto-core)
  [ ${#packages[@]} -eq 0 ] && return
  export DEBIAN_FRONTEND=noninteractive
  # Package scripts would start their own cluster; ours is a throw-away one.
  apt-get update -qq
  mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

start_postgres() {
  answers 5432 && return
  local bin; bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  local data=$1/postgres
  mkdir -p "$data" && chown postgres "$data"
  run_as_postgres() { su postgres -s /bin/sh -c "$1"; }
  run_as_postgres "'$bin/initdb' -D '$data' -A trust -U postgres -E UTF8 --locale=C.UTF-8 >/dev/null"
  run_as_postgres "'$bin/pg_ctl' -D '$data' -w -o '-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200' -l '$data/log' start >/dev/null"
  stop_postgres() { su postgres -s /bin/sh -c "'$bin/pg_ctl' -D '$data' -m immediate stop >/dev/null"; }
}

start_redis() {
  answers 6379 && return
  redis-server --port 6379 --bind 127.0.0.1 --save '' --appendonly no --daemonize yes --dir "$1" >/dev/null
  stop_redis() { redis-cli -p 6379 shutdown nosave 2>/dev/null || true; }
}
