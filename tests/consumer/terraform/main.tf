# A sample REST API and HTTP API of another team that attach the token authorizer of a Nova Auth stack, in Terraform. It says the same as
# ../cloudformation/template.yaml, and check.py compares the two.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.0" }
  }
}

variable "code" {
  description = "The function's code, as cargo lambda build --release --arm64 -p notes --output-format zip makes it."
  type        = string
  default     = "../../../target/lambda/notes/bootstrap.zip"
}

# What the Nova Auth stack exports, in the same account and region.
data "aws_cloudformation_export" "authorizer" {
  name = "nova-auth-AuthorizerArn"
}
data "aws_cloudformation_export" "invoke_role" {
  name = "nova-auth-AuthorizerInvokeRoleArn"
}

locals {
  authorizer     = data.aws_cloudformation_export.authorizer.value
  invoke_role    = data.aws_cloudformation_export.invoke_role.value
  partition      = split(":", local.authorizer)[1]
  region         = split(":", local.authorizer)[3]
  authorizer_uri = "arn:${local.partition}:apigateway:${local.region}:lambda:path/2015-03-31/functions/${local.authorizer}/invocations"

  routes = {
    whoami = { method = "GET", path = "/whoami", resource = aws_api_gateway_resource.whoami.id }
    list   = { method = "GET", path = "/notes", resource = aws_api_gateway_resource.notes.id }
    add    = { method = "POST", path = "/notes", resource = aws_api_gateway_resource.notes.id }
    report = { method = "GET", path = "/admin/report", resource = aws_api_gateway_resource.report.id }
  }

  # Nova Auth's envelope in the place of API Gateway's own words.
  headers = {
    "gatewayresponse.header.Cache-Control"             = "'no-store'"
    "gatewayresponse.header.Strict-Transport-Security" = "'max-age=31536000; includeSubDomains'"
    "gatewayresponse.header.X-Content-Type-Options"    = "'nosniff'"
    "gatewayresponse.header.X-Request-Id"              = "context.requestId"
  }
  refusals = {
    # What the authorizer says of its Deny and, where a step-up is all that is missing, what to show (RFC 9470).
    ACCESS_DENIED = {
      status  = "403"
      headers = { "gatewayresponse.header.WWW-Authenticate" = "context.authorizer.challenge" }
      body    = "{\"success\":false,\"code\":\"$context.authorizer.code\",\"message\":\"$context.authorizer.message\"}"
    }
    # The authorizer could not decide. Never a 401: the token may be good.
    AUTHORIZER_FAILURE = {
      status  = "500"
      headers = { "gatewayresponse.header.Content-Language" = "'en'" }
      body    = "{\"success\":false,\"code\":\"INTERNAL_ERROR\",\"message\":\"Something went wrong.\"}"
    }
    # With an Authorization header, a path that no route has is taken for a signature of AWS.
    INVALID_SIGNATURE = {
      status  = "404"
      headers = { "gatewayresponse.header.Content-Language" = "'en'" }
      body    = "{\"success\":false,\"code\":\"NOT_FOUND\",\"message\":\"There is no such resource.\"}"
    }
    MISSING_AUTHENTICATION_TOKEN = {
      status  = "404"
      headers = { "gatewayresponse.header.Content-Language" = "'en'" }
      body    = "{\"success\":false,\"code\":\"NOT_FOUND\",\"message\":\"There is no such resource.\"}"
    }
    THROTTLED = {
      status  = "429"
      headers = { "gatewayresponse.header.Content-Language" = "'en'", "gatewayresponse.header.Retry-After" = "'1'" }
      body    = "{\"success\":false,\"code\":\"API_RATE_LIMITED\",\"message\":\"Too many requests. Try again in a moment.\"}"
    }
    UNAUTHORIZED = {
      status  = "401"
      headers = { "gatewayresponse.header.Content-Language" = "'en'", "gatewayresponse.header.WWW-Authenticate" = "'Bearer'" }
      body    = "{\"success\":false,\"code\":\"UNAUTHORIZED\",\"message\":\"Not authorized.\"}"
    }
  }
}

# The REST API.

resource "aws_api_gateway_rest_api" "notes" {
  name = "notes-rest"
  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_authorizer" "nova" {
  rest_api_id = aws_api_gateway_rest_api.notes.id
  name        = "NovaAuth"
  # REQUEST: the authorizer sees the address of the client, which address rules need.
  type = "REQUEST"
  # API Gateway answers 401 by itself, and calls no function, where this is missing or empty.
  identity_source = "method.request.header.Authorization"
  # No result is kept, so a revoked session is refused on its next call. Left out, it would be 300.
  authorizer_result_ttl_in_seconds = 0
  authorizer_uri                   = local.authorizer_uri
  # The role is all that the call needs: no aws_lambda_permission for the other stack's function.
  authorizer_credentials = local.invoke_role
}

resource "aws_api_gateway_resource" "whoami" {
  rest_api_id = aws_api_gateway_rest_api.notes.id
  parent_id   = aws_api_gateway_rest_api.notes.root_resource_id
  path_part   = "whoami"
}
resource "aws_api_gateway_resource" "notes" {
  rest_api_id = aws_api_gateway_rest_api.notes.id
  parent_id   = aws_api_gateway_rest_api.notes.root_resource_id
  path_part   = "notes"
}
resource "aws_api_gateway_resource" "admin" {
  rest_api_id = aws_api_gateway_rest_api.notes.id
  parent_id   = aws_api_gateway_rest_api.notes.root_resource_id
  path_part   = "admin"
}
resource "aws_api_gateway_resource" "report" {
  rest_api_id = aws_api_gateway_rest_api.notes.id
  parent_id   = aws_api_gateway_resource.admin.id
  path_part   = "report"
}

resource "aws_api_gateway_method" "notes" {
  for_each      = local.routes
  rest_api_id   = aws_api_gateway_rest_api.notes.id
  resource_id   = each.value.resource
  http_method   = each.value.method
  authorization = "CUSTOM"
  authorizer_id = aws_api_gateway_authorizer.nova.id
}
resource "aws_api_gateway_integration" "notes" {
  for_each                = local.routes
  rest_api_id             = aws_api_gateway_rest_api.notes.id
  resource_id             = each.value.resource
  http_method             = aws_api_gateway_method.notes[each.key].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_function.notes.invoke_arn
}

resource "aws_api_gateway_gateway_response" "refusals" {
  for_each            = local.refusals
  rest_api_id         = aws_api_gateway_rest_api.notes.id
  response_type       = each.key
  status_code         = each.value.status
  response_parameters = merge(local.headers, each.value.headers)
  response_templates  = { "application/json" = each.value.body }
}

resource "aws_api_gateway_deployment" "notes" {
  rest_api_id = aws_api_gateway_rest_api.notes.id
  # It is what was there when it was made: another one after each change of what is deployed.
  triggers = {
    everything = sha1(jsonencode([
      aws_api_gateway_authorizer.nova,
      aws_api_gateway_method.notes,
      aws_api_gateway_integration.notes,
      aws_api_gateway_gateway_response.refusals,
    ]))
  }
  lifecycle {
    create_before_destroy = true
  }
}
resource "aws_api_gateway_stage" "v1" {
  rest_api_id   = aws_api_gateway_rest_api.notes.id
  deployment_id = aws_api_gateway_deployment.notes.id
  stage_name    = "v1"
}

# The HTTP API. Its 401 and 403 are AWS's own.

resource "aws_apigatewayv2_api" "notes" {
  name          = "notes-http"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_authorizer" "nova" {
  api_id                            = aws_apigatewayv2_api.notes.id
  name                              = "NovaAuth"
  authorizer_type                   = "REQUEST"
  authorizer_payload_format_version = "2.0"
  identity_sources                  = ["$request.header.Authorization"]
  authorizer_result_ttl_in_seconds  = 0
  authorizer_uri                    = local.authorizer_uri
  authorizer_credentials_arn        = local.invoke_role
}

resource "aws_apigatewayv2_integration" "notes" {
  api_id                 = aws_apigatewayv2_api.notes.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.notes.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "notes" {
  for_each           = local.routes
  api_id             = aws_apigatewayv2_api.notes.id
  route_key          = "${each.value.method} ${each.value.path}"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.nova.id
  target             = "integrations/${aws_apigatewayv2_integration.notes.id}"
}
# `public: true` in the rules, and no authorizer here: both have to say it.
resource "aws_apigatewayv2_route" "health" {
  api_id             = aws_apigatewayv2_api.notes.id
  route_key          = "GET /health"
  authorization_type = "NONE"
  target             = "integrations/${aws_apigatewayv2_integration.notes.id}"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.notes.id
  name        = "$default"
  auto_deploy = true
}

# The function behind both.

resource "aws_lambda_function" "notes" {
  function_name    = "notes"
  filename         = var.code
  source_code_hash = filebase64sha256(var.code)
  role             = aws_iam_role.notes.arn
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = ["arm64"]
  memory_size      = 128
  timeout          = 10
}
resource "aws_iam_role" "notes" {
  name = "notes"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}
resource "aws_iam_role_policy_attachment" "notes" {
  role       = aws_iam_role.notes.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}
resource "aws_lambda_permission" "rest" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.notes.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.notes.execution_arn}/v1/*"
}
resource "aws_lambda_permission" "http" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.notes.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.notes.execution_arn}/$default/*"
}

# What nova rules put --api takes.
output "rest_api_id" {
  value = aws_api_gateway_rest_api.notes.id
}
output "http_api_id" {
  value = aws_apigatewayv2_api.notes.id
}
