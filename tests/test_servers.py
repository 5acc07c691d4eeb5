"""The servers that other tests stand on: each starts, answers, and has its data after a kill."""

from __future__ import annotations

import asyncio

import aio_pika
import psycopg
import redis

from tests.servers import PostgresServer, RabbitServer, RedisServer


def test_redis_keeps_its_data_through_a_kill():
    with RedisServer(password="secret-of-the-test") as server:
        redis.from_url(server.url).set("key", "value")
        server.kill()
        server.start()
        assert redis.from_url(server.url).get("key") == b"value"


async def test_rabbitmq_keeps_a_confirmed_message_through_a_kill():
    with RabbitServer() as server:
        connection = await aio_pika.connect(server.url)
        channel = await connection.channel()
        await channel.declare_queue("q", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "q")
        # RabbitMQ 3.10.8 elects no leader for the queue that was declared within seconds before a power cut.
        await asyncio.sleep(5)
        server.kill()
        server.start()
        async with await aio_pika.connect(server.url) as again:
            queue = await (await again.channel()).get_queue("q")
            received = await queue.get(timeout=20)
            assert received is not None
            assert received.body == b"kept"


def test_postgresql_keeps_its_rows_through_a_kill():
    with PostgresServer() as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("create table t (n int)")
            connection.execute("insert into t values (17)")
        server.kill()
        server.start()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("select n from t").fetchall() == [(17,)]
