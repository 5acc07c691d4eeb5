# The image of `copilot-widget serve` and `copilot-widget worker`; compose.yaml starts both.

FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
# The build bundles the front end, with the Node.js of PyPI.
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.13-slim
COPY requirements/dev.txt /tmp/constraints.txt
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt \
      "copilot-widget[executor,postgres,serve] @ file://$(ls /wheels/copilot_widget-*.whl)" \
    && rm -r /wheels /tmp/constraints.txt \
    && useradd --create-home --uid 10001 copilot
USER copilot
WORKDIR /home/copilot
ENV PYTHONUNBUFFERED=1
CMD ["copilot-widget", "--help"]
